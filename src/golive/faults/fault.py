"""What a fault is: one deliberate defect of a running replica, with its heal (principle 6).

    @fault("11_security_audit/tls.feature::No session tickets are issued")
    @contextmanager
    def tickets_issued(replica: Target) -> Iterator[None]:
        '''NGX-15: ssl_session_tickets is on.'''
        with nginx_edited(replica, ("ssl_session_tickets off;", "ssl_session_tickets on;")):
            yield

A fault lives in the module of its subject, `golive.faults.tls`. It breaks the replica before it
yields and heals it in `finally`, and both times returns only when the change has taken effect:
no sleep, no hope. One that changes nothing raises FaultError. Its docstring begins with the
statement that it breaks. What changes files is in `golive.faults.files`, what makes nginx read
its files anew in `golive.faults.nginx_reload`.

`golive prove tls.tickets_issued` runs the checklist with it.
"""

import importlib
import inspect
import pkgutil
from collections.abc import Callable, Iterable
from contextlib import AbstractContextManager
from dataclasses import dataclass, replace
from difflib import get_close_matches
from pathlib import Path
from typing import TypeVar

from golive import faults
from golive.environment import Environment, Kind
from golive.release.example import Example
from golive.replica.control import directory
from golive.replica.state import State
from golive.replica.subnet import Subnet


class FaultError(Exception):
    """A fault could not be put in, changes nothing, or is declared wrongly."""


@dataclass(frozen=True)
class Target:
    """A running replica that may be broken, and a release that it may be taken for.

    `environment` is what the checklist is told of it. The replica's stack and the release are
    copies of our own, and may be broken too.
    """

    number: int
    environment: Environment
    release: Example

    @property
    def directory(self) -> Path:
        """Everything of this replica is below it."""
        return directory(self.number)

    @property
    def state(self) -> State:
        """What is known of it now: its servers and their processes."""
        return State.read(self.directory)

    @property
    def stack(self) -> Path:
        """The files that it was started from."""
        return Path(self.state.stack)

    @property
    def subnet(self) -> Subnet:
        """Its addresses and ports, by host."""
        return self.state.subnet

    def root(self, host: str) -> Path:
        """The directory that is `/` to a host (`edge`, `app-1`, `redis-1` ...)."""
        return self.directory / "hosts" / host

    def path(self, host: str, path: str) -> Path:
        """Where the host's file `path` (absolute, as in production) is."""
        return self.root(host) / path.removeprefix("/")

    def inside(self, host: str, path: str) -> str:
        """What the host's own programs call its file `path`."""
        return str(self.path(host, path))

    def command(self, _: str, *words: str) -> list[str]:
        """The command that runs `words` where a host's programs run: here, on this machine."""
        return [*words]

    def pid(self, server: str) -> int:
        """The first process of a server of `golive status` (`edge`, `redis-1` ...)."""
        return next(each.pid for each in self.state.servers if each.name == server)


ANY = "*"

Inject = Callable[[Target], AbstractContextManager[None]]
_Inject = TypeVar("_Inject", bound=Inject)


@dataclass(frozen=True)
class Fault:
    """A fault and what it claims: ids of scenarios that fail with it (`reds`), and no other.

    `blinds` are scenarios that cannot be measured any more with it: each of these, or with ANY
    whichever it may be. An outline's id without its row means every row, and one without its last
    cells the rows that begin so. `only` is the kind of environment that can be broken so; None
    where any can.
    """

    name: str  # subject.function
    breaks: str
    inject: Inject
    reds: tuple[str, ...]
    blinds: tuple[str, ...] = ()
    only: Kind | None = None

    @property
    def subject(self) -> str:
        """The word that its feature, steps and probe have too."""
        return self.name.partition(".")[0]


_registered: dict[str, Fault] = {}


def _begins(claim: str) -> tuple[str, ...]:
    """How an outline's rows begin, and one that is given by its first cells."""
    return (f"{claim}-",) if "[" in claim else (f"{claim}[",)


def fault(
    *reds: str, blinds: Iterable[str] = (), only: Kind | None = None
) -> Callable[[_Inject], _Inject]:
    """Register a context manager as the fault with which exactly the scenarios `reds` fail.

    Give more than one only where one defect cannot but break several, and say why in the
    docstring. `blinds`: scenarios that the defect makes unproven or not-run; ANY where it stops
    us from asking anything, such as a certificate that no client trusts. `only`: the kind of
    environment that can be broken so.
    Raises FaultError where it claims nothing, has no docstring, or the name is taken.
    """

    def register(inject: _Inject) -> _Inject:
        module = inject.__module__.rpartition(".")[2]
        name = f"{module}.{inject.__name__}"
        breaks = inspect.getdoc(inject)
        if not reds or not breaks:
            raise FaultError(f"{name}: a fault needs a scenario that it turns red, and a docstring")
        if name in _registered:
            raise FaultError(f"{name}: a second fault of this name")
        _registered[name] = Fault(name, breaks, inject, reds, tuple(blinds), only)
        return inject

    return register


def load() -> tuple[Fault, ...]:
    """Every fault of golive.faults, in order of name."""
    for module in pkgutil.iter_modules(faults.__path__, f"{faults.__name__}."):
        importlib.import_module(module.name)
    return tuple(_registered[name] for name in sorted(_registered))


def chosen(known: Iterable[Fault], names: Iterable[str]) -> tuple[Fault, ...]:
    """The faults of these names (`tls.tickets_issued`, or without the subject) or subjects.

    All where `names` is empty. Raises FaultError for a name that nothing has.
    """
    known, wanted = tuple(known), set(names)
    words = {each: {each.name, each.subject, each.name.partition(".")[2]} for each in known}
    if unknown := wanted.difference(*words.values()):
        near = get_close_matches(sorted(unknown)[0], set[str]().union(*words.values()), n=1)
        hint = f"; did you mean {near[0]}?" if near else ""
        raise FaultError(f"no fault or subject is called {', '.join(sorted(unknown))}{hint}")
    return tuple(each for each in known if not wanted or words[each] & wanted)


def resolved(registered: Iterable[Fault], scenarios: Iterable[str]) -> tuple[Fault, ...]:
    """`registered`, with the ids of `scenarios` that they claim: an outline's is all its rows'.

    Raises FaultError with all claims of scenarios that do not exist.
    """
    known = tuple(scenarios)
    problems: list[str] = []

    def rows(each: Fault, claims: tuple[str, ...]) -> tuple[str, ...]:
        found: list[str] = []
        for claim in claims:
            ids = [id_ for id_ in known if id_ == claim or id_.startswith(_begins(claim))]
            found += ids or [claim]
            if not ids and claim != ANY:
                problems.append(f"{each.name} claims {claim}: no scenario has this id")
        return tuple(found)

    result = tuple(
        replace(each, reds=rows(each, each.reds), blinds=rows(each, each.blinds))
        for each in registered
    )
    if problems:
        raise FaultError("\n".join(problems))
    return result
