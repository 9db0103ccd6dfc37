"""People: clients with an address each, who keep their connections and their sign-in."""

import socket
import ssl
import time
from collections.abc import Callable, Iterator
from contextvars import ContextVar
from ipaddress import IPv4Network
from itertools import count
from typing import Any

import gevent.socket
import gevent.ssl
from geventhttpclient.client import HTTPClient, HTTPClientPool
from locust.contrib.fasthttp import FastHttpSession

from golive.load.plan import Plan

TIMEOUT_S = 10.0
_CONNECTIONS = 20  # of a person at once; further requests of his wait for one
_IP_BIND_ADDRESS_NO_PORT = 24  # Linux: the port is chosen at connect, so that none runs out
_BENCHMARKING = IPv4Network("198.18.0.0/15")  # RFC 2544: nobody's

scheduled: ContextVar[float | None] = ContextVar("scheduled", default=None)
"""When the next request of this greenlet was to be sent (perf_counter); None: when it is sent."""


def addresses(plan: Plan, worker: int) -> Iterator[str | None]:
    """Who comes next: each `workers`th address, round and round; None where all are one client."""
    network = IPv4Network(plan.network) if plan.network else _BENCHMARKING
    if plan.network is None and plan.header is None:
        while True:
            yield None
    size = network.num_addresses - 2
    for index in count(plan.first + worker, plan.workers):
        yield str(network[1 + index % size])


class _Pool(HTTPClientPool):
    """Connections of one person: from his address, to the site's, whatever a URL says."""

    def __init__(self, plan: Plan, source: str | None, trust: ssl.SSLContext) -> None:
        super().__init__(
            concurrency=_CONNECTIONS,
            network_timeout=TIMEOUT_S,
            connection_timeout=TIMEOUT_S,
            ssl_context_factory=lambda **_: trust,
        )
        self._to = (plan.address, plan.port)
        self._source = source

    def get_client(self, url: Any) -> HTTPClient:
        client = super().get_client(url)
        pool = client._connection_pool
        pool._resolve = self._resolve  # type: ignore[method-assign]
        pool._create_tcp_socket = self._socket  # type: ignore[method-assign, assignment]
        return client

    def _resolve(self) -> list[tuple[Any, ...]]:
        found: list[tuple[Any, ...]] = gevent.socket.getaddrinfo(
            *self._to, 0, gevent.socket.SOCK_STREAM, gevent.socket.SOL_TCP
        )
        return found

    def _socket(self, family: int, kind: int, protocol: int) -> gevent.socket.socket:
        return bound(self._source, family, kind, protocol)


def bound(
    source: str | None, family: int = socket.AF_INET, kind: int = socket.SOCK_STREAM, proto: int = 0
) -> gevent.socket.socket:
    """A socket that connects from `source`; None lets the system choose."""
    made = gevent.socket.socket(family, kind, proto)
    if source is not None:
        made.setsockopt(socket.IPPROTO_IP, _IP_BIND_ADDRESS_NO_PORT, 1)
        made.bind((source, 0))
    return made


class Door:
    """Where people come in: the site, and what all of them share."""

    def __init__(self, plan: Plan, fire: Any, worker: int = 0) -> None:
        self.plan = plan
        self.fire = fire
        self.trust = gevent.ssl.create_default_context(cafile=plan.roots)
        self._addresses = addresses(plan, worker)

    def enter(self) -> "Person":
        """Somebody new comes."""
        return Person(self, next(self._addresses))


class Person:
    """Somebody with an address, connections that are kept, and perhaps a sign-in."""

    def __init__(self, door: Door, address: str | None) -> None:
        self.door = door
        self.plan = door.plan
        self.source = address if self.plan.network else None
        self._headers = {self.plan.header: address} if self.plan.header and address else {}
        self._pool = _Pool(self.plan, self.source, door.trust)
        port = "" if self.plan.port == 443 else f":{self.plan.port}"
        self.session = FastHttpSession(
            base_url=f"https://{self.plan.site}{port}",
            request_event=door.fire,
            user=None,
            insecure=False,
            client_pool=self._pool,
        )
        self.asked = 0
        self.abusive = False
        self.signing_in = False
        self.tokens: dict[str, Any] = {}
        self.renewed = 0.0

    def get(self, path: str, name: str | None = None) -> Any:
        """Ask for a path; `name` groups those that differ in an id only."""
        return self._ask("GET", path, name)

    def post(self, path: str, body: dict[str, Any]) -> Any:
        """Send JSON."""
        return self._ask("POST", path, None, json=body)

    def _ask(self, method: str, path: str, name: str | None, **body: Any) -> Any:
        self.asked += 1
        headers = dict(self._headers)
        if self.tokens:
            headers["Authorization"] = f"Bearer {self.tokens['accessToken']}"
        return self.session.request(
            method,
            path,
            name=f"{method} {name or path.partition('?')[0]}",
            headers=headers,
            context=self.context(),
            **body,
        )

    def context(self) -> dict[str, Any]:
        """What the recorder is told of the next request: when it was due, and of whom it is."""
        due = scheduled.get()
        scheduled.set(None)  # what follows it is due when it is sent
        return {"scheduled": due, "abusive": self.abusive}

    def measured(self, name: str, work: Callable[[], int]) -> None:
        """Report something that is no HTTP request; `work` gives the bytes received."""
        context, began, length, error = self.context(), time.perf_counter(), 0, None
        self.asked += 1
        try:
            length = work()
        except Exception as raised:  # of whatever kind, it is what the user would see
            error = raised
        self.door.fire.fire(
            request_type="WS",
            name=name,
            response_time=(time.perf_counter() - began) * 1000,
            response_length=length,
            exception=error,
            context=context,
        )

    def connect(self) -> gevent.ssl.SSLSocket:
        """A TLS connection to the site, for what is not HTTP. Raises OSError."""
        plain = bound(self.source)
        plain.settimeout(TIMEOUT_S)
        plain.connect((self.plan.address, self.plan.port))
        return self.door.trust.wrap_socket(plain, server_hostname=self.plan.site)

    def leave(self) -> None:
        """Close the connections."""
        self._pool.close()
