"""What is kept of a load test: load-PROFILE.json for programs, load-PROFILE.html for people."""

import json
from collections.abc import Sequence
from importlib.resources import files as resources
from pathlib import Path
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup
from pydantic_core import to_jsonable_python

from golive.load import charts, summary
from golive.load.confidence import Answer
from golive.load.explain import explain
from golive.load.lines import Line
from golive.load.measure import Measured
from golive.report.json import write_text
from golive.report.text import visible


def write(measured: Measured, lines: Sequence[Line], directory: Path) -> tuple[Path, ...]:
    """Write both, whole or not at all; where they are."""
    data = summary.stored(measured) | {"thresholds": list(lines)}
    plain: dict[str, Any] = to_jsonable_python(data, inf_nan_mode="strings")
    name = f"load-{measured.request.profile_name}"
    text = json.dumps(plain, ensure_ascii=False, indent=1) + "\n"
    why: Sequence[str] = ()
    if any(line.answer is Answer.ABOVE for line in lines):
        figures = measured.figures
        why = [str(figures)] if isinstance(figures, Exception) else explain(figures)
    return (
        write_text(directory / f"{name}.json", text),
        write_text(directory / f"{name}.html", page(plain, why)),
    )


def page(load: dict[str, Any], why: Sequence[str]) -> str:
    """One page that loads nothing; `why` is what the servers' figures say."""
    jinja = Environment(
        loader=PackageLoader("golive.load"),
        autoescape=True,
        trim_blocks=True,
        lstrip_blocks=True,
        undefined=StrictUndefined,
        finalize=lambda value: visible(value) if type(value) is str else value,
    )
    jinja.filters["utc"] = lambda text: f"{text[:10]} {text[11:19]} UTC"
    jinja.filters["ms"] = lambda value: "–" if value is None else f"{value:,.0f}"
    jinja.filters["some"] = lambda value: "–" if value is None else f"{value:,.1f}"
    style = resources("golive.load") / "templates/load.css"
    text: str = jinja.get_template("load.html.j2").render(
        load=load,
        why=why,
        held={"below": "holds", "above": "does not hold", "open": "unproven"},
        style=Markup(style.read_text(encoding="utf-8")),  # noqa: S704 (ours)
        pictures=[Markup(each) for each in charts.svgs(load)],  # noqa: S704 (escaped there)
    )
    return text
