"""Read a directory of features, and refuse what could not be believed, all at once.

pytest-bdd drops the first of two scenarios of one name, runs an outline without examples once
with its placeholders, and stops at the first syntax error with a traceback: so the files are
checked here before it sees them.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from difflib import get_close_matches
from functools import cached_property
from pathlib import Path
from typing import Any

from gherkin.dialect import Dialect
from gherkin.errors import CompositeParserException, ParserException
from gherkin.parser import Parser

from golive import checklist, statements
from golive.checklist import Item, Scenario, item_of
from golive.environment import Kind, Permit
from golive.located_yaml import FileError, Problem
from golive.statements import Statement

ADVISORY = "advisory"
AHEAD = "ahead"
ALONE = "alone"
SLOW = "slow"
SMOKE = "smoke"
LIVE = "only-live"
UNWAIVABLE = "unwaivable"
PERMITS = {f"permit-{permit}": permit for permit in Permit}
KINDS = {f"only-{kind}": kind for kind in Kind}

Node = Mapping[str, Any]  # of the Gherkin document, as gherkin-official gives it


@dataclass(frozen=True)
class Features:
    """What a directory of features holds; `scenarios` by id, each row of an outline its own."""

    directory: Path
    items: tuple[Item, ...]
    statements: dict[str, Statement]
    scenarios: dict[str, Scenario]

    def smoke(self) -> "Features":
        """The scenarios that `golive smoke` runs, and the items that have one."""
        chosen = {id_: each for id_, each in self.scenarios.items() if each.smoke}
        items = {item_of(id_) for id_ in chosen}
        return replace(
            self,
            items=tuple(item for item in self.items if item.id in items),
            scenarios=chosen,
        )

    @cached_property
    def tags(self) -> dict[str, str]:
        """Each tag that a scenario may have, with what it means."""
        return _tags(self.statements)

    @cached_property
    def blocking(self) -> set[str]:
        """The statements that some scenario claims and the verdict waits for."""
        return {s for each in self.scenarios.values() if each.blocking for s in each.statements}


def scenario_id(file: Path, name: str, example: Iterable[str] = ()) -> str:
    """The id of a scenario: `file` is relative to the features, `example` an outline's row."""
    row = "-".join(example)
    return f"{file.as_posix()}::{name}" + (f"[{row}]" if row else "")


def read(directory: Path) -> Features:
    """The features below `directory`. Raises FileError with every problem there is."""
    problems: list[Problem] = []
    items: tuple[Item, ...] = ()
    known: dict[str, Statement] = {}
    try:
        items = checklist.load_items(directory / "checklist.yaml")
    except FileError as error:
        problems += error.problems
    try:
        known = statements.load(directory / "statements.tsv")
    except statements.StatementsError as error:
        raise FileError(*problems, Problem(directory, str(error))) from None
    scenarios: dict[str, Scenario] = {}
    files = sorted(directory.glob("**/*.feature"))
    for path in files:
        reader = _Reader(path, path.relative_to(directory), _tags(known), set(known))
        scenarios |= reader.read()
        problems += reader.problems
        item = item_of(path.relative_to(directory).as_posix())
        if items and item not in {each.id for each in items}:
            problems.append(Problem(path, f"item {item} is not in checklist.yaml"))
    if not files:
        problems.append(Problem(directory, "no feature in it"))
    if problems:
        raise FileError(*problems)
    return Features(directory, items, known, scenarios)


def _tags(known: Mapping[str, Statement]) -> dict[str, str]:
    return {
        **{id_: statement.statement for id_, statement in known.items()},
        ADVISORY: "the scenario does not count for the verdict",
        AHEAD: "measured while other scenarios run, and judged after them",
        SMOKE: "run by golive smoke too: seconds, and single requests that change nothing",
        ALONE: "run after all others, when nothing else is measured: it disturbs everything",
        SLOW: "takes a minute or two by its nature: not run without --slow",
        LIVE: "run only where users are (live in the environment file)",
        UNWAIVABLE: "no release may waive it",
        **{tag: f"not run where {permit} is not permitted" for tag, permit in PERMITS.items()},
        **{tag: f"run in an environment of kind {kind}" for tag, kind in KINDS.items()},
    }


@dataclass
class _Reader:
    """Reads one feature file."""

    path: Path
    file: Path
    tags: Mapping[str, str]
    statements: set[str]
    problems: list[Problem] = field(default_factory=list)

    def read(self) -> dict[str, Scenario]:
        feature = self._parse()
        if feature is None:
            return {}
        dialect = Dialect.for_name(feature["language"])
        outlines = dialect.scenario_outline_keywords if dialect else []
        scenarios: dict[str, Scenario] = {}
        lines: dict[str, int] = {}
        for node, inherited in _scenarios(feature):
            name, line = node["name"], node["location"]["line"]
            if not name:
                self._refuse(node, "a scenario needs a name")
            if name in lines:
                self._refuse(node, f"a second scenario of this name; see line {lines[name]}")
            lines.setdefault(name, line)
            self._check_steps(node, outlines)
            for id_, title, tags in self._rows(node):
                if id_ in scenarios and lines[name] == line:
                    self._refuse(node, f"two rows of examples are alike: {id_}")
                scenarios[id_] = self._scenario(id_, title, line, [*inherited, *tags])
        if not scenarios and not self.problems:
            self.problems.append(Problem(self.path, "no scenario in it", 1))
        return scenarios

    def _parse(self) -> Node | None:
        try:
            document = Parser().parse(self.path.read_text(encoding="utf-8"))
        except CompositeParserException as error:
            self.problems += [self._syntax(each) for each in error.errors]
            return None
        except ParserException as error:
            self.problems.append(self._syntax(error))
            return None
        except (OSError, UnicodeDecodeError) as error:
            self.problems.append(Problem(self.path, f"cannot be read: {error}"))
            return None
        feature: Node | None = document.get("feature")
        if feature is None:
            self.problems.append(Problem(self.path, "no feature in it", 1))
        return feature

    def _syntax(self, error: ParserException) -> Problem:
        message = str(error).partition(": ")[2]
        return Problem(self.path, f"not Gherkin: {message}", error.location["line"])

    def _refuse(self, node: Node, message: str) -> None:
        self.problems.append(Problem(self.path, message, node["location"]["line"]))

    def _check_steps(self, node: Node, outlines: Iterable[str]) -> None:
        kinds = [step["keywordType"] for step in node["steps"]]
        if "Outcome" not in kinds:
            self._refuse(node, "a scenario without a Then proves nothing")
        elif kinds[0] not in ("Context", "Action", "Outcome"):
            self._refuse(node, "the first step must be a Given, a When or a Then")
        if node["keyword"] in outlines and not node["examples"]:
            self._refuse(node, "an outline without Examples is never run")
        for examples in node["examples"]:
            if not examples.get("tableBody"):
                self._refuse(examples, "Examples without a row are never run")

    def _rows(self, node: Node) -> Iterator[tuple[str, str, list[Node]]]:
        """Id, title and tags of a scenario, or of each row of an outline."""
        name, tags = node["name"], node["tags"]
        if not node["examples"]:
            yield scenario_id(self.file, name), name, tags
        for examples in node["examples"]:
            header = [
                cell["value"] for cell in (examples.get("tableHeader") or {"cells": []})["cells"]
            ]
            for row in examples.get("tableBody") or ():
                values = [cell["value"] for cell in row["cells"]]
                title = name
                for parameter, value in zip(header, values, strict=True):
                    title = title.replace(f"<{parameter}>", value)
                if title == name:
                    title = f"{name} ({', '.join(values)})"
                yield scenario_id(self.file, name, values), title, [*tags, *examples["tags"]]

    def _scenario(self, id_: str, title: str, line: int, nodes: Iterable[Node]) -> Scenario:
        tags = {node["name"].removeprefix("@"): node for node in nodes}
        for tag in tags.keys() - self.tags.keys():
            near = get_close_matches(tag, self.tags, n=1)
            hint = f"; did you mean @{near[0]}?" if near else ""
            problem = Problem(
                self.path,
                f"@{tag}: neither a statement nor a tag of the gate{hint}",
                tags[tag]["location"]["line"],
            )
            if problem not in self.problems:  # a feature's tag is seen once for each scenario
                self.problems.append(problem)
        if SMOKE in tags and (harms := sorted(tags.keys() & {AHEAD, ALONE, SLOW, *PERMITS})):
            self._refuse(
                tags[SMOKE], f"a smoke test is short and harmless: not @{', @'.join(harms)}"
            )
        return Scenario(
            id=id_,
            name=title,
            where=f"{self.path}:{line}",
            statements=tuple(sorted(tags.keys() & self.statements)),
            blocking=ADVISORY not in tags,
            ahead=AHEAD in tags,
            alone=ALONE in tags,
            slow=SLOW in tags,
            smoke=SMOKE in tags,
            live=LIVE in tags,
            waivable=UNWAIVABLE not in tags,
            permits=frozenset(PERMITS[tag] for tag in tags.keys() & PERMITS.keys()),
            kinds=frozenset(KINDS[tag] for tag in tags.keys() & KINDS.keys()),
        )


def _scenarios(parent: Node, inherited: tuple[Node, ...] = ()) -> Iterator[tuple[Node, list[Node]]]:
    """Each scenario below a feature or rule, with the tags that it inherits."""
    tags = (*inherited, *parent["tags"])
    for child in parent["children"]:
        if "rule" in child:
            yield from _scenarios(child["rule"], tags)
        elif "scenario" in child:
            yield child["scenario"], list(tags)
