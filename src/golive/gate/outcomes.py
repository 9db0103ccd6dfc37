"""What an exception in a scenario means: whose failure it is, and the words for it."""

import sysconfig
import traceback
from pathlib import Path
from types import FrameType

import pytest

from golive.outcome import NotRun, Outcome, Unproven, Whose

_LIBRARIES = {sysconfig.get_path(name) for name in ("stdlib", "purelib", "platlib")}
_MEASURING = ("golive.probes.", "golive.replica.")  # they judge nothing


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
    """Whether it is an assertion of a step; one of a library or of a probe is a defect."""
    if not isinstance(error, AssertionError):
        return False
    *_, (frame, _line) = traceback.walk_tb(error.__traceback__)
    return not _is_library(frame)


def _is_library(frame: FrameType) -> bool:
    module = str(frame.f_globals.get("__name__"))
    if module.startswith("golive."):  # also where it is installed beside the libraries
        return module.startswith(_MEASURING)
    return any(Path(frame.f_code.co_filename).is_relative_to(path) for path in _LIBRARIES)


def _frames(error: BaseException) -> str:
    """The innermost frames of a traceback, outside of libraries where it can be."""
    summaries = traceback.extract_tb(error.__traceback__)
    frames = zip(traceback.walk_tb(error.__traceback__), summaries, strict=True)
    own = [summary for (frame, _), summary in frames if not _is_library(frame)] or summaries
    lines = [f"{_short(f.filename)}:{f.lineno} in {f.name}: {f.line}" for f in own[-3:]]
    return "\n".join(reversed(lines))


def _short(filename: str) -> str:
    path = Path(filename)
    return str(path.relative_to(Path.cwd()) if path.is_relative_to(Path.cwd()) else path)
