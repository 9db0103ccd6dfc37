"""The record of a release, `releases/TAG.yaml`, as typed data with errors a person can act on."""

import json
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Annotated, ClassVar, Self

from pydantic import (
    AwareDatetime,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    StringConstraints,
    ValidationInfo,
    field_validator,
    model_validator,
)

from golive import located_yaml
from golive.release.contacts import Contacts


def _quoted(value: object) -> object:
    """YAML takes 02 for a number."""
    if isinstance(value, int | float):
        raise ValueError("put it in quotes, or YAML takes it for a number")
    return value


Text = Annotated[str, StringConstraints(min_length=1, strip_whitespace=True)]
Tag = Annotated[str, StringConstraints(pattern=r"^v\d+\.\d+\.\d+(-[0-9A-Za-z.-]+)?$")]
Commit = Annotated[
    str, BeforeValidator(_quoted), StringConstraints(pattern=r"^([0-9a-f]{40}|[0-9a-f]{64})$")
]
Link = Annotated[str, StringConstraints(pattern=r"^https?://[^\s/]+\S*$")]


class _Model(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Signed(_Model):
    """What somebody has signed of a release; `signature` is of everything else in it."""

    kind: ClassVar[str]

    release: Text = Field(description="the tag")
    commit: Commit = Field(description="of the tag, in full: a tag can be moved")
    role: Text = Field(description="as environments/contacts.yaml has it")
    date: AwareDatetime = Field(description="when it was signed")
    signature: Text = Field(description="made by golive sign: ssh-keygen -Y sign -n golive")

    def text(self) -> bytes:
        """What is signed: JSON of all fields but the signature, sorted, defaults left out."""
        fields = self.model_dump(mode="json", exclude={"signature"}, exclude_defaults=True)
        return json.dumps({"golive": self.kind, **fields}, sort_keys=True).encode()

    @field_validator("role", check_fields=False)
    @classmethod
    def _role_is_known(cls, value: str, info: ValidationInfo) -> str:
        roles = (info.context or {}).get("roles")
        if roles is not None and value not in roles:
            raise ValueError(f"no such role; known: {', '.join(roles)}")
        return value


class SignOff(Signed):
    """Somebody answers for what no program can measure."""

    kind: ClassVar[str] = "sign-off"

    item: Annotated[str, BeforeValidator(_quoted)] = Field(
        description="of the checklist (08), or a statement of the document (DEP-07)"
    )
    applicable: bool = Field(default=True, description="false: not needed; the note says why")
    evidence: Link = Field(description="where it can be read: a pull request, a ticket, a page")
    note: str = ""

    @field_validator("item")
    @classmethod
    def _item_is_known(cls, value: str, info: ValidationInfo) -> str:
        known = (info.context or {}).get("items")
        if known is not None and value not in known:
            raise ValueError("neither an item of the checklist nor a statement")
        return value

    @model_validator(mode="after")
    def _not_needed_has_a_reason(self) -> Self:
        if not self.applicable and not self.note.strip():
            raise ValueError("applicable is false: the note must say why it is not needed")
        return self


class Waiver(Signed):
    """Somebody accepts the risk of what fails, for a time."""

    kind: ClassVar[str] = "waiver"

    statement: Text | None = Field(default=None, description="all that claims it and nothing else")
    scenario: Text | None = Field(default=None, description="or the id of a scenario")
    environment: Text | None = Field(default=None, description="only there; none: everywhere")
    reason: Text
    expires: date = Field(description="the last day on which it counts")

    @model_validator(mode="after")
    def _names_one(self, info: ValidationInfo) -> Self:
        if (self.statement is None) == (self.scenario is None):
            raise ValueError("must name a statement, or else a scenario")
        context = info.context or {}
        for name, value in (("statements", self.statement), ("scenarios", self.scenario)):
            if value is not None and value not in context.get(name, {value}):
                raise ValueError(f"there is no {name[:-1]} {value}")
        refuse = context.get("refuse")
        if refuse is not None and (why := refuse(self)):
            raise ValueError(why)
        return self


class Tests(_Model):
    """JUnit files of the release's suites, beside the record."""

    unit: Path
    integration: Path
    e2e: Path
    staging: Path | None = Field(default=None, description="the e2e suite, run against staging")

    def of(self, suite: str) -> Path | None:
        """The file of a suite."""
        path: Path | None = getattr(self, suite)
        return path


class Record(_Model):
    """A record."""

    tag: Tag
    commit: Commit = Field(description="that the tag names, in full")
    repository: Path = Field(default=Path(), description="a directory of it, beside this file")
    stack: str = Field(default="environments/stack", description="the stack in the repository")
    tests: Tests
    sign_offs: tuple[SignOff, ...] = ()
    waivers: tuple[Waiver, ...] = ()
    notes: str = ""

    @field_validator("tag")
    @classmethod
    def _is_called_so(cls, value: str, info: ValidationInfo) -> str:
        name = (info.context or {}).get("name")
        if name is not None and name != value:
            raise ValueError(f"the file of this release must be called {value}.yaml")
        return value

    @field_validator("repository")
    @classmethod
    def _repository_exists(cls, value: Path, info: ValidationInfo) -> Path:
        path = Path((info.context or {}).get("base", ".")) / value
        if not path.is_dir():
            raise ValueError("no such directory")
        return path

    @field_validator("waivers")
    @classmethod
    def _waivers_are_of_this_release(
        cls, value: tuple[Waiver, ...], info: ValidationInfo
    ) -> tuple[Waiver, ...]:
        own = (info.data.get("tag"), info.data.get("commit"))
        if others := [w for w in value if (w.release, w.commit) != own and None not in own]:
            names = ", ".join(f"{w.statement or w.scenario} ({w.release})" for w in others)
            raise ValueError(f"of another release or commit: {names}")
        return value

    @property
    def version(self) -> str:
        """The tag without its v."""
        return self.tag.removeprefix("v")


@dataclass(frozen=True)
class Release:
    """A release that is judged: its record, and who may sign for it."""

    path: Path
    record: Record
    contacts: Contacts

    def file(self, path: Path) -> Path:
        """A file that the record names."""
        return self.path.parent / path


def load(
    path: Path,
    contacts: Contacts,
    *,
    items: Collection[str] | None = None,
    statements: Collection[str] | None = None,
    scenarios: Collection[str] | None = None,
    refuse: Callable[[Waiver], str | None] | None = None,
) -> Release:
    """The release of which this is the record. Raises located_yaml.FileError, all at once.

    `items`, `statements` and `scenarios` are the ids that it may name, where given; `refuse`
    says why a waiver may not be applied.
    """
    context: dict[str, object] = {
        "base": path.parent,
        "name": path.stem,
        "roles": contacts.roles,
        "refuse": refuse,
    }
    given: Mapping[str, Collection[str] | None] = {
        "items": None if items is None else {*items, *(statements or ())},
        "statements": statements,
        "scenarios": scenarios,
    }
    context |= {name: value for name, value in given.items() if value is not None}
    return Release(path, located_yaml.read(path, Record, context), contacts)
