"""The sentences that features can be written with, as the code has them, with an example each."""

import inspect
import pkgutil
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path

from gherkin.parser import Parser
from gherkin.pickles.compiler import Compiler
from pytest_bdd.steps import StepFunctionContext, step_function_context_registry

import golive.steps

_KEYWORDS = {"given": "Given", "when": "When", "then": "Then"}
_TYPES = {"Context": "given", "Action": "when", "Outcome": "then"}
_ARGUMENTS = {"datatable": "a table", "docstring": "a text"}


@dataclass(frozen=True)
class Sentence:
    """A step that features may use.

    `pattern` has its parameters in braces; `argument` is what stands below the sentence ("a
    table", "a text", or nothing); `example` is one of `where` (a feature file), both None where
    no feature uses it.
    """

    subject: str
    keyword: str
    pattern: str
    argument: str
    example: str | None
    where: str | None


def sentences(features: Path) -> list[Sentence]:
    """Every step of golive, by subject, in the order of the code."""
    for module in pkgutil.iter_modules(golive.steps.__path__, "golive.steps."):
        import_module(module.name)
    used = list(dict.fromkeys(_used(features)))
    own = [
        (function, context)
        for function, context in step_function_context_registry.items()
        if str(context.step_func.__module__).startswith("golive.steps.")
    ]
    own.sort(key=lambda each: _place(each[1]))
    return [_sentence(context, used) for _, context in own]


def _place(context: StepFunctionContext) -> tuple[str, int, str]:
    code = inspect.unwrap(context.step_func).__code__
    return context.step_func.__module__, code.co_firstlineno, context.parser.name


def _sentence(context: StepFunctionContext, used: Sequence[tuple[str, str, str]]) -> Sentence:
    kind = str(context.type)
    parameters = inspect.signature(context.step_func).parameters
    arguments = [words for name, words in _ARGUMENTS.items() if name in parameters]
    examples = (
        (text, file)
        for step, text, file in used
        if step == kind and context.parser.is_matching(text)
    )
    example, where = next(examples, (None, None))
    return Sentence(
        subject=context.step_func.__module__.rpartition(".")[2],
        keyword=_KEYWORDS.get(kind, kind),
        pattern=_readable(context.parser.name),
        argument=" and ".join(arguments),
        example=example,
        where=where,
    )


_GROUP = re.compile(r"\(\?P<(?P<name>\w+)>(?P<words>[\w -]+(?:\|[\w -]+)*)?[^()]*\)")


def _readable(pattern: str) -> str:
    """A pattern without types: {days:d} is {days}; (?P<token>access|refresh) its two words."""
    pattern = re.sub(r"\{(\w+):[^{}]*\}", r"{\1}", pattern)
    named = _GROUP.sub(lambda found: f"{{{found['words'] or found['name']}}}", pattern)
    return named.replace("\\", "")


def _used(features: Path) -> Iterator[tuple[str, str, str]]:
    """Kind, text and file of every step of every scenario, outlines filled in."""
    for path in sorted(features.glob("**/*.feature")):
        document = Parser().parse(path.read_text(encoding="utf-8"))
        pickles = Compiler().compile({**document, "uri": str(path)})
        for pickle in pickles:
            for step in pickle["steps"]:
                kind = _TYPES.get(step["type"], "")
                yield kind, step["text"], path.relative_to(features).as_posix()


def as_markdown(found: Iterable[Sentence]) -> str:
    """docs/steps.md."""
    lines = [
        "# The step vocabulary",
        "",
        "The sentences that a feature may use, by subject; words in braces are yours. Made from",
        "the code with `golive steps --markdown > docs/steps.md`.",
    ]
    subject = ""
    for each in found:
        if each.subject != subject:
            subject = each.subject
            lines += ["", f"## {subject.replace('_', ' ')}"]
        below = f", then {each.argument}" if each.argument else ""
        lines += ["", f"**{each.keyword}** `{each.pattern}`{below}", ""]
        if each.example is None:
            lines.append("*No feature uses it.*")
        else:
            link = f"[{each.where}](../features/{each.where})"
            lines.append(f"> {each.keyword} {_plain(each.example)} — {link}")
    return "\n".join(lines) + "\n"


def _plain(text: str) -> str:
    return re.sub(r"([\\`*_\[\]<>|])", r"\\\1", text)
