"""Load profiles: the file that people edit, as typed data."""

from math import ceil
from pathlib import Path
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, model_validator

from golive import located_yaml
from golive.load import plan

FILE = Path("loadtests/profiles.yaml")
_EACH = 5  # requests a second that one person makes at most: half of what the edge lets one make


class ProfileError(Exception):
    """There is no such profile, or the file is wrong; the message says all that is, by line."""


class _Model(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", populate_by_name=True)


class Stage(_Model):
    """A stretch of a profile. The ceilings are hard: no file, option or permit lifts them."""

    name: Annotated[str, StringConstraints(min_length=1)]
    seconds: Annotated[int, Field(ge=1, le=7200)]
    rate: Annotated[float, Field(gt=0, le=2000)] | None = None
    users: Annotated[int, Field(ge=1, le=2000)] | None = None
    measured: bool = True
    abuse: Annotated[float, Field(ge=0, le=200)] = 0
    think: bool = True

    @model_validator(mode="after")
    def _one_kind(self) -> "Stage":
        if (self.rate is None) == (self.users is None):
            raise ValueError("a stage has either a rate or users")
        if self.users is not None and self.abuse:
            raise ValueError("abuse goes with a rate")
        return self


class Profile(_Model):
    """One profile."""

    why: Annotated[str, StringConstraints(min_length=1)]
    people: Annotated[int, Field(ge=1, le=2000)] | None = Field(
        default=None, description="present at the same time; none: as many as the rate needs"
    )
    stop_early: bool = Field(
        default=False, alias="stop-early", description="end when the outcome is certain either way"
    )
    find_knee: bool = Field(
        default=False, alias="find-knee", description="end at the first stage that breaks"
    )
    stages: Annotated[tuple[Stage, ...], Field(min_length=1)]

    @model_validator(mode="after")
    def _can_be_judged(self) -> "Profile":
        if len({stage.rate is None for stage in self.stages}) > 1:
            raise ValueError("all stages have a rate, or all have users")
        if not any(stage.measured for stage in self.stages):
            raise ValueError("no stage is measured")
        names = [stage.name for stage in self.stages]
        if len(set(names)) < len(names):
            raise ValueError("two stages of one name")
        if sum(stage.seconds for stage in self.stages) > 7200:
            raise ValueError("longer than 7200 s")
        return self

    def planned(self) -> tuple[plan.Stage, ...]:
        """Its stages, as a plan has them."""
        return tuple(plan.Stage(**stage.model_dump()) for stage in self.stages)

    def present(self) -> int:
        """How many people are there at the same time."""
        return self.people or ceil(max(stage.rate or 1 for stage in self.stages) / _EACH)


class _File(_Model):
    visit: Annotated[int, Field(ge=1, le=100)]
    profiles: dict[str, Profile]


def read(path: Path = FILE) -> tuple[int, dict[str, Profile]]:
    """How many requests a visit is, and the profiles by name. Raises ProfileError."""
    try:
        file = located_yaml.read(path, _File)
    except located_yaml.FileError as error:
        raise ProfileError(str(error)) from None
    return file.visit, file.profiles


def named(name: str, path: Path = FILE) -> tuple[int, Profile]:
    """The length of a visit, and the profile of this name. Raises ProfileError."""
    visit, profiles = read(path)
    if name not in profiles:
        raise ProfileError(f"{path}: no profile {name!r}; there are {', '.join(profiles)}")
    return visit, profiles[name]
