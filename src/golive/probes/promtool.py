"""What rules do with given series, by `promtool test rules`.

promtool evaluates the rules as Prometheus does, but only compares. So each question is put to it
with an expectation that no answer can meet, and the answer is read from its complaint. A question
without an answer is Unproven: nothing can be green because nothing was run.
"""

import json
import re
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path

from golive.outcome import Unproven, Whose
from golive.probes.alert_rules import Rule, write_rules
from golive.probes.series_values import TICK_S

_TIMEOUT_S = 60
_ANSWER = re.compile(r'expr: ("(?:[^"\\]|\\.)*"), time: [^\n]*\n\s*exp:[^\n]*\n\s*got: ?([^\n]*)')
_QUESTION = re.compile(r'golive!="([^"]*)"')
_LABEL = re.compile(r'\s*([A-Za-z_]\w*)="((?:[^"\\]|\\.)*)"\s*,?')
_SAMPLE = re.compile(r'(\w*)\{((?:[^"}]|"(?:[^"\\]|\\.)*")*)\} ([-+\w.]+)(?:, )?')


def run_promtool(
    rules: tuple[Rule, ...], given: dict[str, str], questions: dict[str, tuple[str, int]]
) -> dict[str, dict[tuple[tuple[str, str], ...], float]]:
    """For each question the values of its answer, by labels. Raises Unproven (see `simulate`)."""
    test = {
        "interval": f"{TICK_S}s",
        "input_series": [{"series": name, "values": values} for name, values in given.items()],
        "promql_expr_test": [
            {
                "expr": expression,
                "eval_time": f"{at}s",
                "exp_samples": [{"labels": "golive_expects_nothing_of_this", "value": 0}],
            }
            for expression, at in questions.values()
        ],
    }
    with tempfile.TemporaryDirectory(prefix="golive-alerts-") as directory:
        file = Path(directory, "rules.yml")
        file.write_text(write_rules(rules))
        asked = Path(directory, "test.yml")
        suite = {"rule_files": [str(file)], "evaluation_interval": f"{TICK_S}s", "tests": [test]}
        asked.write_text(json.dumps(suite))  # JSON is YAML
        output = _promtool(file, asked)
    answers = {}
    for expression, got in _ANSWER.findall(output):
        name = _QUESTION.search(json.loads(expression))
        if name:
            answers[name[1]] = dict(_samples(got))
    if missing := questions.keys() - answers.keys():
        reason = f"promtool left {len(missing)} of {len(questions)} questions unanswered: {output}"
        raise Unproven(reason[-2000:], Whose.TOOL)
    return answers


def _promtool(rules: Path, test: Path) -> str:
    try:
        done = subprocess.run(
            ["promtool", "test", "rules", str(test)],
            capture_output=True,
            text=True,
            timeout=_TIMEOUT_S,
        )
    except FileNotFoundError as error:
        raise Unproven("promtool is not installed (Debian: prometheus)", Whose.TOOL) from error
    except subprocess.TimeoutExpired as error:
        raise Unproven(f"promtool did not end within {_TIMEOUT_S} s", Whose.TOOL) from error
    output = done.stdout + done.stderr
    if str(rules) in output and not _ANSWER.search(output):
        raise Unproven(f"promtool refuses the rules: {output.strip()[-1000:]}", Whose.TARGET)
    return output


def _samples(got: str) -> Iterator[tuple[tuple[tuple[str, str], ...], float]]:
    """The samples of promtool's `got:`, such as `{alertname="A"} 3.15E+02, {...} 1E+00`."""
    if got.strip() == "nil":
        return
    end = 0
    for sample in _SAMPLE.finditer(got):
        if sample.start() != end:
            break
        end = sample.end()
        labels = [(name, json.loads(f'"{value}"')) for name, value in _LABEL.findall(sample[2])]
        yield tuple(sorted(labels)), float(sample[3])
    if end != len(got.rstrip()):
        raise Unproven(f"not an answer of promtool: {got[:500]}", Whose.TOOL)
