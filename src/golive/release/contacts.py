"""Who answers for what: the document's contact table, and whose signature counts for a role."""

from pathlib import Path
from typing import Annotated

from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    StringConstraints,
    ValidationInfo,
    field_validator,
)

from golive import located_yaml

Text = Annotated[str, StringConstraints(min_length=1, strip_whitespace=True)]

PIPELINE = "CI"
"""The role of the machine that deploys and measures; it has a key, and is no person."""


class _Model(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Contact(_Model):
    """One line of the table."""

    role: Text = Field(description="as the document calls it")
    name: Text
    email: Text
    telephone: Text


class Contacts(_Model):
    """The whole table."""

    contacts: tuple[Contact, ...] = Field(min_length=1)
    allowed_signers: Path = Field(description="beside this file; ssh-keygen(1), ALLOWED SIGNERS")

    @field_validator("contacts")
    @classmethod
    def _roles_differ(cls, value: tuple[Contact, ...]) -> tuple[Contact, ...]:
        roles = [contact.role for contact in value]
        if twice := sorted({role for role in roles if roles.count(role) > 1}):
            raise ValueError(f"stand there twice: {', '.join(twice)}")
        return value

    @field_validator("allowed_signers")
    @classmethod
    def _exists(cls, value: Path, info: ValidationInfo) -> Path:
        path = Path((info.context or {}).get("base", ".")) / value
        if not path.is_file():
            raise ValueError("no such file")
        return path

    @property
    def roles(self) -> tuple[str, ...]:
        """Every role that may sign."""
        return (*(contact.role for contact in self.contacts), PIPELINE)

    def of(self, role: str) -> Contact | None:
        """The contact of a role; None where the table has none."""
        return next((contact for contact in self.contacts if contact.role == role), None)


def principal(role: str) -> str:
    """How a role is called in the file of allowed signers, which knows no spaces."""
    return role.lower().replace(" ", "-")


def load(path: Path) -> Contacts:
    """The table in a file. Raises located_yaml.FileError."""
    return located_yaml.read(path, Contacts, {"base": path.parent})
