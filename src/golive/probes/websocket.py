"""A WebSocket through the proxy: opened, spoken on, closed (RFC 6455)."""

import socket
import time
from dataclasses import dataclass
from typing import TypeVar

from wsproto import ConnectionType, WSConnection
from wsproto.events import (
    AcceptConnection,
    CloseConnection,
    Event,
    RejectConnection,
    Request,
    TextMessage,
)
from wsproto.utilities import RemoteProtocolError

from golive.endpoint import Endpoint
from golive.outcome import Unproven, Whose
from golive.probes.http import connect_tls, naming_faults, receive

_SWITCHING_PROTOCOLS = 101
_Wanted = TypeVar("_Wanted", bound=Event)


@dataclass(frozen=True)
class Conversation:
    """What came of it: the status of the handshake, and the texts received, in order.

    No text where the handshake was refused, that is with another status than 101.
    """

    status: int
    received: tuple[str, ...] = ()


def converse(
    endpoint: Endpoint, path: str, text: str, *, answers: int, timeout_s: float = 5.0
) -> Conversation:
    """Open a WebSocket, send `text`, and return the first `answers` texts that come.

    `timeout_s` bounds connecting, and then the whole. Raises Unproven as
    `golive.probes.http.request` does; a server that closes or says nothing more is the target's
    fault too, for a conversation cut short says nothing of who cut it.
    """
    with (
        connect_tls(endpoint, alpn=("http/1.1",), timeout_s=timeout_s) as stream,
        naming_faults(f"WebSocket wss://{endpoint.name}{path} ({endpoint})"),
    ):
        peer = _Peer(stream, time.monotonic() + timeout_s)
        stream.sendall(peer.protocol.send(Request(host=endpoint.name, target=path)))
        answer = peer.next(AcceptConnection, RejectConnection)
        if isinstance(answer, RejectConnection):
            return Conversation(answer.status_code)
        stream.sendall(peer.protocol.send(TextMessage(data=text)))
        received = tuple(peer.text() for _ in range(answers))
        stream.sendall(peer.protocol.send(CloseConnection(code=1000)))
        return Conversation(_SWITCHING_PROTOCOLS, received)


class _Peer:
    """The other side of an open connection, event by event."""

    def __init__(self, stream: socket.socket, deadline: float) -> None:
        self.protocol = WSConnection(ConnectionType.CLIENT)
        self._stream = stream
        self._deadline = deadline

    def next(self, *wanted: type[_Wanted]) -> _Wanted:
        """The next event of these types; others are passed over."""
        while True:
            try:
                for event in self.protocol.events():
                    if isinstance(event, wanted):
                        return event
                    if isinstance(event, CloseConnection):
                        raise ConnectionResetError(f"closed by the server: {event.code}")
                data = receive(self._stream, deadline=self._deadline)
                self.protocol.receive_data(data or None)
            except RemoteProtocolError as error:
                raise Unproven(f"no WebSocket: {error}", Whose.TARGET) from error

    def text(self) -> str:
        """The next message, put together from its parts."""
        parts = []
        while True:
            message = self.next(TextMessage)
            parts.append(message.data)
            if message.message_finished:
                return "".join(parts)
