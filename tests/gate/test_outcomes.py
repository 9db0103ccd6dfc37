"""Only a judgement fails the target; a defect, wherever it is, proves nothing."""

import threading
import types

import pytest

from golive.gate.outcomes import classify
from golive.outcome import NotRun, Outcome, Unproven, Whose


def raised_by(function):
    with pytest.raises(BaseException) as raised:  # noqa: PT011
        function()
    return classify(raised.value)


def fail(error):
    def function():
        raise error

    return function


def function_in(module: str):
    """A function of a module of this name, that asserts."""
    namespace = types.ModuleType(module).__dict__
    exec(compile("def check():\n    assert False, 'wrong'", __file__, "exec"), namespace)
    return namespace["check"]


def test_nothing_raised_is_passed():
    assert classify(None) == (Outcome.PASSED, "")


@pytest.mark.parametrize(
    ("error", "outcome", "reason"),
    [
        (Unproven("no answer", Whose.NETWORK), Outcome.UNPROVEN, "no answer (fault of: network)"),
        (NotRun("not here"), Outcome.NOT_RUN, "not here"),
        (AssertionError("expected a, actual b"), Outcome.FAILED, "expected a, actual b"),
        (pytest.fail.Exception("expected a"), Outcome.FAILED, "expected a"),
        (pytest.skip.Exception("later"), Outcome.UNPROVEN, "skipped by pytest (later)"),
        (KeyError("x"), Outcome.UNPROVEN, "KeyError: 'x' (fault of: ours)\ntests/gate/"),
        (AssertionError(), Outcome.FAILED, "a bare assertion\ntests/gate/"),
    ],
)
def test_outcomes(error, outcome, reason, monkeypatch, request):
    monkeypatch.chdir(request.config.rootpath)
    found = raised_by(fail(error))
    assert found[0] is outcome
    assert found[1].startswith(reason)


@pytest.mark.parametrize(
    ("module", "outcome"),
    [
        ("golive.steps.tls", Outcome.FAILED),
        ("golive.steps.expectation", Outcome.FAILED),
        ("team.steps", Outcome.FAILED),
        ("golive.probes.tls", Outcome.UNPROVEN),
    ],
)
def test_who_asserts(module, outcome):
    assert raised_by(function_in(module))[0] is outcome


def test_an_assertion_of_a_library_is_a_defect():
    outcome, reason = raised_by(lambda: threading.Thread.__init__(object(), group="x"))
    assert outcome is Outcome.UNPROVEN
    assert reason.startswith("AssertionError: group argument must be None")
    assert "fault of: ours" in reason
