"""A relay that turns TLS clients away which offer HTTP/1.1 (RFC 7301) and nothing else.

nginx cannot be told to do that; a load balancer put before it can. Whom it lets through keeps
his address. It says `ready` when it listens, and is stopped by a signal.

    python -m golive.faults.alpn_relay LISTEN-ADDRESS TARGET-ADDRESS PORT
"""

import contextlib
import socket
import sys
import threading
from socketserver import BaseRequestHandler, ThreadingTCPServer

_NO_APPLICATION_PROTOCOL = bytes((21, 3, 3, 0, 2, 2, 120))  # a fatal alert, RFC 7301 3.2
_RECORD_HEADER = 5
_ONLY_HTTP_1 = b"\x00\x10\x00\x0b\x00\x09\x08http/1.1"  # the whole extension


class _Server(ThreadingTCPServer):
    allow_reuse_address = True
    daemon_threads = True
    request_queue_size = 128


def _serve(listen: str, target: str, port: int) -> None:
    class Handler(BaseRequestHandler):
        def handle(self) -> None:
            with contextlib.suppress(OSError):
                hello = _record(self.request)
                if _ONLY_HTTP_1 in hello:
                    self.request.sendall(_NO_APPLICATION_PROTOCOL)
                    return
                source = (self.client_address[0], 0)
                with socket.create_connection((target, port), source_address=source) as inner:
                    inner.sendall(hello)
                    answers = threading.Thread(target=_copy, args=(inner, self.request))
                    answers.start()
                    _copy(self.request, inner)
                    answers.join()

    with _Server((listen, port), Handler) as server:
        print("ready", flush=True)  # noqa: T201 (whoever started it waits for it)
        server.serve_forever()


def _record(stream: socket.socket) -> bytes:
    """The first TLS record, a ClientHello; what has come of it where it ends early."""
    header = stream.recv(_RECORD_HEADER, socket.MSG_WAITALL)
    return header + stream.recv(int.from_bytes(header[3:]), socket.MSG_WAITALL)


def _copy(source: socket.socket, sink: socket.socket) -> None:
    with contextlib.suppress(OSError):
        while data := source.recv(65536):
            sink.sendall(data)
        sink.shutdown(socket.SHUT_WR)


if __name__ == "__main__":
    _serve(sys.argv[1], sys.argv[2], int(sys.argv[3]))
