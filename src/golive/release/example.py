"""A release as it should be, of any stack, signed with throw-away keys: for proofs and for tests.

Below its directory: `repository/`, with the stack, a commit and a tag; `TAG.yaml`, the record;
`tests/`, its reports; `contacts.yaml`, `allowed_signers`, and a key for each role.
"""

import json
import os
import shutil
import subprocess
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import yaml

from golive.release.contacts import PIPELINE, principal
from golive.release.record import Signed, SignOff
from golive.release.signature import STATEMENT, sign
from golive.replica.state import files

STACK = "environments/stack"
ROLES = ("DevOps Lead", "Backend Lead", "Frontend Lead", "DBA", "Security Officer", PIPELINE)
TARGETS = {
    "unit": "",
    "integration": "",
    "e2e": "",
    "staging": "https://api.staging.dashboard-velo.com",
}
"""What each suite was run against."""

_SIGNED = {
    "02": ("Backend Lead", "Frontend Lead"),
    "08": ("DevOps Lead",),
    "09": ("DevOps Lead",),
    "10": ("Security Officer",),
    "11": ("Security Officer",),
    "12": ("DevOps Lead",),
    "DEP-04": (PIPELINE,),
    "DEP-07": ("Backend Lead", "Frontend Lead"),
    "DEP-15": ("DevOps Lead",),
    "RBK-02": ("DevOps Lead", "DBA"),
    "RDS-02": ("DBA",),
}
_REPORT = """<?xml version="1.0" encoding="UTF-8"?>
<testsuites tests="3">
  <testsuite name="{suite}" tests="3" timestamp="{began}">
    <properties>
      <property name="commit" value="{commit}"/>
      <property name="target" value="{target}"/>
    </properties>
    <testcase classname="{suite}" name="it holds"/>
    <testcase classname="{suite}" name="it holds again"/>
    <testcase classname="{suite}" name="it is for another day"><skipped/></testcase>
  </testsuite>
</testsuites>
"""


@dataclass(frozen=True)
class Example:
    """An example in its directory."""

    directory: Path
    tag: str

    @property
    def record(self) -> Path:
        """The record's file."""
        return self.directory / f"{self.tag}.yaml"

    @property
    def contacts(self) -> Path:
        """The contact table's file."""
        return self.directory / "contacts.yaml"

    @property
    def repository(self) -> Path:
        """The git repository."""
        return self.directory / "repository"

    def report(self, suite: str) -> Path:
        """The test report of a suite."""
        return self.directory / "tests" / f"{suite}.xml"

    def key(self, role: str) -> Path:
        """The private key of a role."""
        return self.directory / "keys" / principal(role)

    def git(self, *arguments: str, text: str = "", when: datetime | None = None) -> str:
        """What git says in the repository, whatever this machine's settings are.

        Commits and tags are made at the time `when`; None for now.
        """
        settings = {"GIT_CONFIG_GLOBAL": os.devnull, "GIT_CONFIG_SYSTEM": os.devnull}
        for who in ("GIT_AUTHOR", "GIT_COMMITTER"):
            settings |= {f"{who}_NAME": "Example", f"{who}_EMAIL": "author@example.org"}
            settings |= {f"{who}_DATE": when.isoformat()} if when else {}
        others = {name: v for name, v in os.environ.items() if not name.startswith("GIT_")}
        return subprocess.run(
            ["git", "-C", str(self.repository), *arguments],
            input=text,
            env={**others, **settings},
            check=True,
            capture_output=True,
            text=True,
        ).stdout

    @property
    def data(self) -> dict[str, Any]:
        """What the record says."""
        data: dict[str, Any] = yaml.safe_load(self.record.read_text())
        return data

    def write(self, data: Mapping[str, Any]) -> None:
        """Let the record say this instead."""
        self.record.write_text(yaml.safe_dump(dict(data), sort_keys=False, allow_unicode=True))

    @contextmanager
    def saying(self, data: Mapping[str, Any]) -> Iterator[None]:
        """With another record, then as before."""
        before = self.record.read_bytes()
        try:
            self.write(data)
            yield
        finally:
            self.record.write_bytes(before)

    def signed(
        self, statement: Mapping[str, Any], key: Path, model: type[Signed] = SignOff
    ) -> dict[str, Any]:
        """The statement, with a signature that is right for it."""
        text = model.model_validate({**statement, "signature": "none yet"}).text()
        return {**statement, "signature": sign(key, text, STATEMENT)}

    def with_sign_off(
        self, item: str, key: Path | None = None, **changes: object
    ) -> dict[str, Any]:
        """What the record says, with changed sign-offs of an item.

        They are signed again, each by its own role, or by `key`.
        """
        data = self.data
        data["sign_offs"] = [
            self.signed({**each, **changes}, key or self.key(each["role"]))
            if each["item"] == item
            else each
            for each in data["sign_offs"]
        ]
        return data


def make(directory: Path, stack: Path) -> Example:
    """An example of a release that consists of the files of `stack`, in an empty directory."""
    version = json.loads((stack / "app/package.json").read_text())["version"]
    made = Example(directory, f"v{version}")
    now = datetime.now(UTC).replace(microsecond=0)
    commit = _commit(made, stack, now - timedelta(hours=2))
    _people(made)
    made.report("unit").parent.mkdir()
    began = f"{now - timedelta(hours=1):%FT%TZ}"
    for suite, target in TARGETS.items():
        text = _REPORT.format(suite=suite, began=began, commit=commit, target=target)
        made.report(suite).write_text(text)
    made.write(
        {
            "tag": made.tag,
            "commit": commit,
            "repository": "repository",
            "stack": STACK,
            "tests": {suite: f"tests/{suite}.xml" for suite in TARGETS},
            "sign_offs": list(_sign_offs(made, commit, now)),
        }
    )
    return made


def keygen(file: Path) -> None:
    """Make a key without a passphrase, its public half in FILE.pub."""
    options = ["-q", "-t", "ed25519", "-N", "", "-C", "example", "-f", str(file)]
    subprocess.run(["ssh-keygen", *options], check=True, capture_output=True)


def _commit(made: Example, stack: Path, when: datetime) -> str:
    for file in files(stack):
        target = made.repository / STACK / file.relative_to(stack)
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(file, target)
    made.git("init", "--quiet", "--initial-branch=main")
    made.git("add", "--force", ".")
    made.git("commit", "--quiet", "-m", "The stack", when=when)
    made.git("tag", "--annotate", made.tag, "-m", made.tag, when=when)
    return made.git("rev-parse", "HEAD").strip()


def _people(made: Example) -> None:
    (made.directory / "keys").mkdir(mode=0o700)
    signers = []
    for role in ROLES:
        keygen(made.key(role))
        public = made.key(role).with_suffix(".pub").read_text()
        signers.append(f'{principal(role)} namespaces="golive,golive-report" {public}')
    (made.directory / "allowed_signers").write_text("".join(signers))
    contacts = [
        {
            "role": role,
            "name": f"The {role}",
            "email": f"{principal(role)}@example.org",
            "telephone": f"+33 6 00 00 00 0{number}",
        }
        for number, role in enumerate(ROLES)
        if role != PIPELINE
    ]
    text = json.dumps({"contacts": contacts, "allowed_signers": "allowed_signers"}, indent=1)
    made.contacts.write_text(text)


def _sign_offs(made: Example, commit: str, now: datetime) -> Iterable[dict[str, Any]]:
    for item, roles in _SIGNED.items():
        for role in roles:
            statement = {
                "item": item,
                "release": made.tag,
                "commit": commit,
                "role": role,
                "date": now.isoformat(),
                "evidence": f"https://example.org/{item}",
            }
            yield made.signed(statement, made.key(role))
