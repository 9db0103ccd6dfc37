"""What an exception in a scenario means: whose failure it is, and the words for it."""

import traceback
from pathlib import Path

import pytest

from golive.outcome import NotRun, Outcome, Unproven, Whose


def classify(error: BaseException | None) -> tuple[Outcome, str]:
    """Outcome and reason of a scenario in which `error` was raised.

    Only a judgement (AssertionError, pytest.fail) fails the target. A defect of a step is ours:
    it proves nothing, for or against.
    """
    if error is None:
        return Outcome.PASSED, ""
    if isinstance(error, NotRun):
        return Outcome.NOT_RUN, error.reason
    if isinstance(error, Unproven):
        return Outcome.UNPROVEN, str(error)
    if isinstance(error, (AssertionError, pytest.fail.Exception)):
        return Outcome.FAILED, str(error) or f"a bare assertion\n{_frames(error)}"
    if isinstance(error, pytest.skip.Exception):
        return ours(f"skipped by pytest ({error.msg}): what is not run raises NotRun")
    what = "".join(traceback.format_exception_only(error)).strip()
    return ours(what, _frames(error))


def ours(reason: str, details: str = "") -> tuple[Outcome, str]:
    """It could not be measured, and that is the gate's own fault."""
    return Outcome.UNPROVEN, f"{Unproven(reason, Whose.OURS)}\n{details}".strip()


def _frames(error: BaseException) -> str:
    """The innermost frames of a traceback outside of libraries, the innermost first."""
    frames = traceback.extract_tb(error.__traceback__)
    own = [frame for frame in frames if "site-packages" not in frame.filename] or frames
    lines = [f"{_short(f.filename)}:{f.lineno} in {f.name}: {f.line}" for f in own[-3:]]
    return "\n".join(reversed(lines))


def _short(filename: str) -> str:
    path = Path(filename)
    return str(path.relative_to(Path.cwd()) if path.is_relative_to(Path.cwd()) else path)
