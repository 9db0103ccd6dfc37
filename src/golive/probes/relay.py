"""A TCP relay that can be cut: how a server behaves whose store is gone, without a store gone."""

import contextlib
import socket
import threading
import time
from types import TracebackType


class Relay:
    """Listens on a port of `address` (0: a free one), and connects each client with the target.

    While it is cut nothing listens, and no connection is left. Nothing stays after the block.
    """

    def __init__(self, address: str, target: tuple[str, int], port: int = 0) -> None:
        self._target = target
        self._lock = threading.Lock()
        self._open: set[socket.socket] = set()
        self._carried: float | None = None
        self._listener: socket.socket | None = socket.create_server((address, port))
        self.address, self.port = self._listener.getsockname()[:2]
        self._accept(self._listener)

    def __enter__(self) -> "Relay":
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.cut()

    def cut(self) -> None:
        """The target is gone: every connection is, and new ones are refused."""
        with self._lock:
            listener, self._listener = self._listener, None
            gone = [*self._open, *([listener] if listener else [])]
            self._open.clear()
        for each in gone:
            with contextlib.suppress(OSError):
                each.shutdown(socket.SHUT_RDWR)  # wakes the thread that waits for it
            each.close()

    def restore(self) -> None:
        """The target is back, where it was."""
        listener = socket.create_server((self.address, self.port))
        with self._lock:
            self._listener = listener
        self._accept(listener)

    def quiet_s(self) -> float | None:
        """How long nothing has passed, in seconds; None where nothing ever has."""
        return None if self._carried is None else time.monotonic() - self._carried

    def _accept(self, listener: socket.socket) -> None:
        def serve() -> None:
            with contextlib.suppress(OSError):
                while True:
                    self._join(listener.accept()[0])

        threading.Thread(target=serve, name="relay", daemon=True).start()

    def _join(self, client: socket.socket) -> None:
        try:
            target = socket.create_connection(self._target, 5)
        except OSError:
            client.close()
            return
        target.settimeout(None)
        with self._lock:
            if self._listener is None:
                client.close()
                target.close()
                return
            self._open |= {client, target}
        for pair in ((client, target), (target, client)):
            threading.Thread(target=self._pump, args=pair, name="relay", daemon=True).start()

    def _pump(self, source: socket.socket, sink: socket.socket) -> None:
        with contextlib.suppress(OSError):
            while part := source.recv(65536):
                self._carried = time.monotonic()
                sink.sendall(part)
        for each in (source, sink):
            with contextlib.suppress(OSError):
                each.shutdown(socket.SHUT_RDWR)
            with self._lock:
                self._open.discard(each)
            each.close()
