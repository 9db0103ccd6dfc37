"""verdict.svg: items and verdict, as a terminal shows them, for a README."""

import io
from xml.sax.saxutils import escape

from rich.console import Console
from rich.terminal_theme import TerminalTheme

from golive.checklist import Report
from golive.report import terminal
from golive.report.history import History
from golive.report.words import Language

_WIDTH = 110  # columns
_THEME = TerminalTheme(
    background=(20, 23, 27),
    foreground=(230, 233, 236),
    normal=[
        (57, 65, 74), (255, 147, 140), (108, 212, 138), (240, 187, 74),
        (138, 184, 255), (205, 160, 255), (124, 207, 226), (230, 233, 236),
    ],
)  # fmt: skip
# Rich's own format loads a font from elsewhere; here the reader's monospace font has to do, and
# each text says how wide it is to be.
_FORMAT = """\
<svg class="rich-terminal" viewBox="0 0 {width} {height}" role="img" aria-label="{name}" \
xmlns="http://www.w3.org/2000/svg">
<style>
.{unique_id}-matrix {{ font-family: ui-monospace, Menlo, Consolas, "DejaVu Sans Mono", monospace; \
font-size: {char_height}px; line-height: {line_height}px; white-space: pre; }}
{styles}
</style>
<defs>
<clipPath id="{unique_id}-clip-terminal">
<rect x="0" y="0" width="{terminal_width}" height="{terminal_height}"/>
</clipPath>
{lines}
</defs>
<rect fill="#14171b" width="{width}" height="{height}" rx="8"/>
<g transform="translate({terminal_x}, {terminal_y})" clip-path="url(#{unique_id}-clip-terminal)">
{backgrounds}
<g class="{unique_id}-matrix">
{matrix}
</g>
</g>
</svg>
"""


def render(report: Report, _history: History, _language: Language) -> str:
    """The picture, as SVG that needs nothing from elsewhere."""
    console = Console(
        file=io.StringIO(), width=_WIDTH, record=True, force_terminal=True, color_system="truecolor"
    )
    terminal.render_items(report, console)
    terminal.render_verdict(report, console)
    name = escape(f"golive: {report.verdict}", {'"': "&quot;"})
    return console.export_svg(
        theme=_THEME, code_format=_FORMAT.replace("{name}", name), unique_id="golive"
    )
