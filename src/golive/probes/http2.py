"""Many requests at one instant: HTTP/2 streams of one connection, in one TCP write (RFC 9113)."""

import ssl
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from h2.config import H2Configuration
from h2.connection import H2Connection
from h2.events import (
    ConnectionTerminated,
    DataReceived,
    Event,
    RemoteSettingsChanged,
    ResponseReceived,
    StreamEnded,
    StreamReset,
)
from h2.exceptions import ProtocolError
from h2.settings import SettingCodes, Settings

from golive.endpoint import Endpoint
from golive.outcome import Unproven, Whose
from golive.probes.http import (
    Headers,
    Response,
    connect_tls,
    naming_faults,
    receive,
    url_of,
    with_defaults,
)

_LARGEST_WINDOW = 2**31 - 1
_INITIAL_WINDOW = 2**16 - 1


@dataclass(frozen=True)
class Exchange:
    """A request and its answer; instants are of time.monotonic().

    The server judged the request no earlier than `sent_s`, and no later than `headed_s`,
    when the answer's header block had arrived.
    """

    response: Response
    sent_s: float
    headed_s: float


@dataclass
class _Arriving:
    headed_s: float = 0.0
    ended_s: float | None = None
    headers: list[tuple[str, str]] = field(default_factory=list)
    body: bytearray = field(default_factory=bytearray)


@contextmanager
def http2(endpoint: Endpoint, *, timeout_s: float = 5.0) -> Iterator["Http2"]:
    """Open a verified connection that speaks HTTP/2; `timeout_s` bounds each exchange on it.

    Raises Unproven as `golive.probes.http.request` does, and as the fault of the tool when
    the server does not negotiate HTTP/2: there is no second way to ask many at one instant.
    """
    with connect_tls(endpoint, alpn=("h2", "http/1.1"), timeout_s=timeout_s) as stream:
        if stream.selected_alpn_protocol() != "h2":
            reason = f"{endpoint} does not negotiate HTTP/2, which sending many at once needs"
            raise Unproven(reason, Whose.TOOL)
        yield Http2(endpoint, stream, timeout_s)


class Http2:
    """An open connection; made by `http2`. Not for several threads at once."""

    def __init__(self, endpoint: Endpoint, stream: ssl.SSLSocket, timeout_s: float) -> None:
        self._endpoint = endpoint
        self._stream = stream
        self._timeout_s = timeout_s
        self._h2 = H2Connection(H2Configuration(header_encoding=None))
        # Windows that never fill: no WINDOW_UPDATE of ours wakes the server between requests.
        values = {SettingCodes.ENABLE_PUSH: 0, SettingCodes.INITIAL_WINDOW_SIZE: _LARGEST_WINDOW}
        self._h2.local_settings = Settings(client=True, initial_values=values)
        self._h2.initiate_connection()
        self._h2.increment_flow_control_window(_LARGEST_WINDOW - _INITIAL_WINDOW)
        with naming_faults(f"HTTP/2 with {endpoint}"):
            self._flush()
            deadline = time.monotonic() + timeout_s
            while not any(isinstance(e, RemoteSettingsChanged) for e in self._events(deadline)):
                pass

    def ask(
        self,
        path: str,
        *,
        count: int = 1,
        method: str = "GET",
        headers: Headers = (),
        body: bytes | None = None,
    ) -> tuple[Exchange | None, ...]:
        """Send the request `count` times in one write; return the exchanges in that order.

        None stands for one not fully answered within the timeout. Raises Unproven: ours,
        when the server allows fewer streams at once or the request is not one of HTTP/2;
        the target's, when it answers none, resets a stream or ends the connection.
        """
        url = url_of(self._endpoint, path)
        doing = f"{method} {url} over HTTP/2 ({self._endpoint})"
        allowed = self._h2.remote_settings.max_concurrent_streams
        if not 1 <= count <= allowed:
            reason = f"{doing}: {count} at once asked for, 1 to {allowed} are possible"
            raise Unproven(reason, Whose.OURS)
        fields = _fields(method, path, with_defaults(self._endpoint, headers, body))
        try:
            streams = {self._queue(fields, body): _Arriving() for _ in range(count)}
        except ProtocolError as error:
            raise Unproven(f"{doing}: not a request of HTTP/2: {error}", Whose.OURS) from error
        with naming_faults(doing):
            sent_s = time.monotonic()
            self._flush()
            self._collect(streams, deadline=sent_s + self._timeout_s)
            if all(one.ended_s is None for one in streams.values()):
                raise TimeoutError
        return tuple(_exchange(url, one, sent_s) for one in streams.values())

    def _queue(self, fields: list[tuple[str, str]], body: bytes | None) -> int:
        stream: int = self._h2.get_next_available_stream_id()
        self._h2.send_headers(stream, fields, end_stream=body is None)
        if body is not None:
            self._h2.send_data(stream, body, end_stream=True)
        return stream

    def _collect(self, streams: dict[int, _Arriving], *, deadline: float) -> None:
        while any(one.ended_s is None for one in streams.values()):
            try:
                events = self._events(deadline)
            except TimeoutError:
                return
            now = time.monotonic()
            for event in events:
                if isinstance(event, ConnectionTerminated):
                    reason = f"connection ended by the server: {event.error_code!r}"
                    raise ConnectionResetError(reason)
                one = streams.get(getattr(event, "stream_id", 0))
                if one is None:  # of the connection, or an answer that came too late to count
                    continue
                if isinstance(event, ResponseReceived):
                    one.headed_s = now
                    one.headers = [
                        (name.decode("latin-1"), value.decode("latin-1"))
                        for name, value in event.headers
                    ]
                elif isinstance(event, DataReceived):
                    one.body += event.data
                elif isinstance(event, StreamEnded):
                    one.ended_s = now
                elif isinstance(event, StreamReset) and one.ended_s is None:
                    raise ConnectionResetError(f"stream reset: {event.error_code!r}")

    def _events(self, deadline: float) -> list[Event]:
        data = receive(self._stream, deadline=deadline)
        if not data:
            raise ConnectionResetError("closed without an answer")
        try:
            events = self._h2.receive_data(data)
        except ProtocolError as error:
            # Streams answered after GOAWAY, which RFC 9113 (6.8) allows, end here too: h2 has
            # closed by then. It takes a server that allows few requests a connection.
            reason = f"connection ended by the server, or not HTTP/2: {error}"
            raise ConnectionError(reason) from error
        self._flush()  # what the protocol owes, such as acknowledging settings
        return events

    def _flush(self) -> None:
        if message := self._h2.data_to_send():
            self._stream.settimeout(self._timeout_s)
            self._stream.sendall(message)


def _fields(method: str, path: str, headers: Headers) -> list[tuple[str, str]]:
    named = [(name.lower(), value) for name, value in headers]
    authority = next(value for name, value in named if name == "host")
    pseudo = [(":method", method), (":scheme", "https"), (":authority", authority), (":path", path)]
    return pseudo + [pair for pair in named if pair[0] != "host"]


def _exchange(url: str, one: _Arriving, sent_s: float) -> Exchange | None:
    if one.ended_s is None:
        return None
    response = Response(
        url=url,
        status=int(dict(one.headers)[":status"]),
        headers=tuple(pair for pair in one.headers if not pair[0].startswith(":")),
        body=bytes(one.body),
        http_version="2",
        duration_s=one.ended_s - sent_s,
    )
    return Exchange(response, sent_s, one.headed_s)
