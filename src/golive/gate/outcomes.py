"""What an exception in a scenario means: whose failure it is, and the words for it."""

import sysconfig
import traceback
from pathlib import Path

import pytest

from golive.outcome import NotRun, Outcome, Unproven, Whose

_LIBRARIES = {sysconfig.get_path(name) for name in ("stdlib", "purelib", "platlib")}


def classify(error: BaseException | None) -> tuple[Outcome, str]:
    """Outcome and reason of a scenario in which `error` was raised.

    Only a judgement (a step's AssertionError, pytest.fail) fails the target. A defect of a step
    is ours: it proves nothing, for or against.
    """
    if error is None:
        return Outcome.PASSED, ""
    if isinstance(error, NotRun):
        return Outcome.NOT_RUN, error.reason
    if isinstance(error, Unproven):
        return Outcome.UNPROVEN, str(error)
    if isinstance(error, pytest.fail.Exception) or _judges(error):
        return Outcome.FAILED, str(error) or f"a bare assertion\n{_frames(error)}"
    if isinstance(error, pytest.skip.Exception):
        return ours(f"skipped by pytest ({error.msg}): what is not run raises NotRun")
    what = "".join(traceback.format_exception_only(error)).strip()
    return ours(what, _frames(error))


def ours(reason: str, details: str = "") -> tuple[Outcome, str]:
    """It could not be measured, and that is the gate's own fault."""
    return Outcome.UNPROVEN, f"{Unproven(reason, Whose.OURS)}\n{details}".strip()


def _judges(error: BaseException) -> bool:
    """Whether it is an assertion of a step; one of a library, or of a probe, is a defect."""
    if not isinstance(error, AssertionError):
        return False
    *_, (frame, _line) = traceback.walk_tb(error.__traceback__)
    return not _is_library(frame.f_globals.get("__name__", ""), frame.f_code.co_filename)


def _is_library(module: str, filename: str) -> bool:
    if module.startswith("golive."):
        return not module.startswith("golive.steps.")
    return any(Path(filename).is_relative_to(directory) for directory in _LIBRARIES)


def _frames(error: BaseException) -> str:
    """The innermost frames of a traceback, outside of libraries if it can be."""
    frames = traceback.extract_tb(error.__traceback__)
    own = [frame for frame in frames if not _is_library("", frame.filename)] or frames
    lines = [f"{_short(f.filename)}:{f.lineno} in {f.name}: {f.line}" for f in own[-3:]]
    return "\n".join(reversed(lines))


def _short(filename: str) -> str:
    path = Path(filename)
    return str(path.relative_to(Path.cwd()) if path.is_relative_to(Path.cwd()) else path)
