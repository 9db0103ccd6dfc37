"""`golive sign` and `golive waive`: what they need to know, and what they refuse to write."""

from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from pathlib import Path

from pydantic import ValidationError
from pydantic_core import ErrorDetails

from golive.gate import features
from golive.gate.features import Features
from golive.located_yaml import FileError, Problem
from golive.release import contacts, record, scaffold, waivers
from golive.release.contacts import principal
from golive.release.record import Release, Signed
from golive.release.signature import STATEMENT, SignatureError, sign, signers_of

FEATURES = Path("features")
ERRORS = (FileError, SignatureError)
"""Why nothing was signed, in words."""


@dataclass(frozen=True)
class Desk:
    """A release, a key, and for which roles it may sign."""

    release: Release
    features: Features
    key: Path
    roles: tuple[str, ...]

    @classmethod
    def open(cls, path: Path, people: Path, key: Path) -> "Desk":
        """Raises ERRORS, also where the key is nobody's: its signature would count for nothing."""
        checklist = features.read(FEATURES)
        table = contacts.load(people)
        release = record.load(
            path,
            table,
            items=[item.id for item in checklist.items],
            statements=checklist.statements,
            scenarios=checklist.scenarios,
        )
        signers = signers_of(key, table.allowed_signers, STATEMENT)
        roles = tuple(role for role in table.roles if principal(role) in signers)
        if not roles:
            message = f"{key} is no key of an allowed signer, so that nothing it signs would count"
            raise FileError(Problem(table.allowed_signers, message))
        return cls(release, checklist, key, roles)

    def title(self, item: str) -> str:
        """What an item or a statement is about."""
        titles = {each.id: f"{each.french} / {each.title}" for each in self.features.items}
        titles |= {id_: each.statement for id_, each in self.features.statements.items()}
        return titles.get(item, "")

    def sign(self, place: str, model: type[Signed], role: str, **said: object) -> None:
        """Sign a statement, and put it into the list `place` of the record. Raises ERRORS.

        What is None or empty in `said` is left out.
        """
        own = self.release.record
        statement = {
            **{name: value for name, value in said.items() if value not in (None, "")},
            "release": own.tag,
            "commit": own.commit,
            "role": role,
            "date": datetime.now(UTC).replace(microsecond=0),
        }
        context = {
            "items": {*(item.id for item in self.features.items), *self.features.statements},
            "statements": self.features.statements,
            "scenarios": self.features.scenarios,
            "refuse": partial(waivers.barred, scenarios=tuple(self.features.scenarios.values())),
        }
        try:
            text = model.model_validate({**statement, "signature": "-"}, context=context).text()
        except ValidationError as error:
            raise FileError(*map(self._problem, error.errors(include_url=False))) from None
        signature = sign(self.key, text, STATEMENT)
        scaffold.put(self.release.path, place, {**statement, "signature": signature})

    def _problem(self, error: ErrorDetails) -> Problem:
        what = ".".join(map(str, error["loc"]))
        message = error["msg"].removeprefix("Value error, ")
        return Problem(self.release.path, f"not signed: {what}: {message}".replace(": : ", ": "))
