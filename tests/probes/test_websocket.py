import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from wsproto import ConnectionType, WSConnection
from wsproto.events import AcceptConnection, CloseConnection, Message, Request, TextMessage

from golive.outcome import Unproven, Whose
from golive.probes.websocket import Conversation, converse

from .nginx_server import Nginx, fresh_address, nginx

CONFIGURATION = """
server {
    listen ADDRESS:8443 ssl http2;
    server_name www.golive.test;
    proxy_http_version 1.1;
    location /refused { return 403; }
    location /lost { proxy_pass http://UPSTREAM; }
    location / {
        proxy_set_header Upgrade $http_upgrade;
        proxy_set_header Connection upgrade;
        proxy_pass http://UPSTREAM;
    }
}
"""


@contextmanager
def application() -> Iterator[str]:
    """A WebSocket server that greets, then says back what it hears; /silent hears only."""
    listener = socket.create_server((fresh_address(), 0))

    def serve() -> None:
        while True:
            try:
                connection, _ = listener.accept()
            except OSError:
                return
            with connection:
                _speak(connection)

    thread = threading.Thread(target=serve)
    thread.start()
    try:
        yield "{}:{}".format(*listener.getsockname())
    finally:
        listener.shutdown(socket.SHUT_RDWR)
        listener.close()
        thread.join()


def _speak(connection: socket.socket) -> None:
    peer = WSConnection(ConnectionType.SERVER)
    silent = False
    while data := connection.recv(65536):
        if b"upgrade: websocket" not in data.lower() and b"HTTP/1." in data:
            connection.sendall(b"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n")
            return
        peer.receive_data(data)
        for event in peer.events():
            if isinstance(event, Request):
                silent = event.target == "/silent"
                connection.sendall(peer.send(AcceptConnection()))
                if event.target == "/closes":
                    connection.sendall(peer.send(CloseConnection(code=1011)))
                    return
                if event.target == "/garbage":
                    connection.sendall(b"\xff" * 20)
                    return
                if not silent:
                    # In two parts, as a server may send it (RFC 6455 5.4).
                    parts: list[Message] = [
                        TextMessage(data="hel", message_finished=False),
                        TextMessage(data="lo"),
                    ]
                    connection.sendall(b"".join(map(peer.send, parts)))
            elif isinstance(event, TextMessage) and not silent:
                connection.sendall(peer.send(TextMessage(data=f"echo {event.data}")))
            elif isinstance(event, CloseConnection):
                return


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Nginx]:
    with (
        application() as upstream,
        nginx(
            tmp_path_factory.mktemp("nginx"), CONFIGURATION.replace("UPSTREAM", upstream)
        ) as running,
    ):
        yield running


def test_messages_go_both_ways(server: Nginx) -> None:
    said = converse(server.endpoint("www"), "/ws", "golive", answers=2)
    assert said == Conversation(101, ("hello", "echo golive"))


@pytest.mark.parametrize(("path", "status"), [("/refused", 403), ("/lost", 404)])
def test_a_refused_upgrade_is_an_answer(server: Nginx, path: str, status: int) -> None:
    assert converse(server.endpoint("www"), path, "golive", answers=2) == Conversation(status)


def test_silence_is_unproven(server: Nginx) -> None:
    with pytest.raises(Unproven, match="no full answer in time") as caught:
        converse(server.endpoint("www"), "/silent", "golive", answers=1, timeout_s=0.3)
    assert caught.value.whose is Whose.TARGET


@pytest.mark.parametrize("path", ["/closes", "/garbage"])
def test_a_conversation_cut_short_is_unproven(server: Nginx, path: str) -> None:
    with pytest.raises(Unproven) as caught:
        converse(server.endpoint("www"), path, "golive", answers=2)
    assert caught.value.whose is Whose.TARGET
