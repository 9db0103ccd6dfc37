"""What a scenario can end as, besides passed and failed.

Exception
├── Unproven   it could not be measured: never green, and it says whose fault that is
└── NotRun     it was not tried: not permitted, or not provable in this environment
"""

from enum import StrEnum


class Outcome(StrEnum):
    """How a scenario, an item of the checklist, or the whole of it ended."""

    PASSED = "passed"
    FAILED = "failed"
    UNPROVEN = "unproven"
    NOT_RUN = "not-run"


class Whose(StrEnum):
    """Whose fault it is that something could not be measured."""

    TARGET = "target"
    NETWORK = "network"
    TOOL = "tool"
    OURS = "ours"


class Unproven(Exception):
    """A probe could not measure; what it was to show is neither true nor false."""

    def __init__(self, reason: str, whose: Whose) -> None:
        super().__init__(reason)
        self.reason = reason
        self.whose = whose

    def __str__(self) -> str:
        return f"{self.reason} (fault of: {self.whose})"


class NotRun(Exception):
    """A scenario was not tried; the reason says why, and where it is due."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason
