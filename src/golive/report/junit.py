"""junit.xml: a suite for each feature, a test case for each scenario.

Failed is `failure`, unproven is `error`, not run is `skipped`. JUnit knows neither advice nor
waivers: what is red and does not count is `skipped` too, with its outcome in the message, or else
a CI would refuse what the verdict does not. Schema: junit-10.xsd of Jenkins, which knows
properties of suites only.
"""

from collections.abc import Iterable, Sequence
from datetime import UTC
from xml.etree import ElementTree as ET

from golive.checklist import Report, ScenarioResult
from golive.outcome import Outcome
from golive.report import evidence
from golive.report.history import History
from golive.report.words import Language

_ELEMENTS = {Outcome.FAILED: "failure", Outcome.UNPROVEN: "error", Outcome.NOT_RUN: "skipped"}
_MESSAGE = 200  # characters of a reason in the attribute that CI systems list


def render(report: Report, _history: History, _language: Language) -> str:
    """The run as XML."""
    root = ET.Element("testsuites", name=f"golive {report.environment}")
    files: dict[str, list[ScenarioResult]] = {}
    for result in report.scenarios:
        files.setdefault(result.id.partition("::")[0], []).append(result)
    for file, results in files.items():
        root.append(_suite(report, file, results))
    _count(root, report.scenarios)
    ET.indent(root)
    return ET.tostring(root, encoding="unicode", xml_declaration=True) + "\n"


def _suite(report: Report, file: str, results: Sequence[ScenarioResult]) -> ET.Element:
    started = report.started.astimezone(UTC)
    suite = ET.Element("testsuite", name=file, timestamp=f"{started:%Y-%m-%dT%H:%M:%SZ}")
    _count(suite, results)
    skipped = sum(_element(result) == "skipped" for result in results)
    suite.set("skipped", str(skipped))
    properties = ET.SubElement(suite, "properties")
    claims: dict[str, list[str]] = {}
    for result in results:
        for statement in result.statements:
            claims.setdefault(statement, []).append(result.name)
    facts = [("environment", report.environment), ("verdict", str(report.verdict))]
    facts += [("release", report.release)] if report.release else []
    facts += [(statement, "; ".join(names)) for statement, names in claims.items()]
    for name, value in facts:
        ET.SubElement(properties, "property", name=name, value=value)
    for result in results:
        suite.append(_case(result))
    return suite


def _case(result: ScenarioResult) -> ET.Element:
    file, _, name = result.id.partition("::")
    classname = file.removesuffix(".feature").replace("/", ".")
    case = ET.Element("testcase", classname=classname, name=name, time=_time(result.duration_s))
    if element := _element(result):
        message = result.reason.partition("\n")[0][:_MESSAGE]
        if not result.counts:
            why = f"waived {result.waived}" if result.waived else "advisory"
            message = f"{why}, {result.outcome}: {message}"
        said = ET.SubElement(case, element, message=message, type=str(result.outcome))
        said.text = result.reason
    out = ET.SubElement(case, "system-out")
    out.text = "\n".join(_lines(result))
    return case


def _element(result: ScenarioResult) -> str | None:
    if result.outcome is Outcome.PASSED:
        return None
    return _ELEMENTS[result.outcome] if result.counts else "skipped"


def _lines(result: ScenarioResult) -> Iterable[str]:
    """Statements, place, then each step with what was found in it."""
    if result.statements:
        yield f"statements: {' '.join(result.statements)}"
    if result.where:
        yield f"at {result.where}"
    for step in evidence.steps(result):
        if step.keyword:
            took = "" if step.duration_s is None else f"  [{step.duration_s:.4f} s]"
            yield f"{step.outcome:<8} {step.keyword} {step.text}{took}"
        for found in step.found:
            yield f"         {found.what}: {evidence.line(found.value)}"


def _count(element: ET.Element, results: Sequence[ScenarioResult]) -> None:
    elements = [_element(result) for result in results]
    element.set("tests", str(len(results)))
    element.set("failures", str(elements.count("failure")))
    element.set("errors", str(elements.count("error")))
    element.set("time", _time(sum(result.duration_s for result in results)))


def _time(seconds: float) -> str:
    return f"{seconds:.3f}"
