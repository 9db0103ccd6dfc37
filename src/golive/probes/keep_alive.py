"""How long a server keeps an idle connection."""

import time

from golive.endpoint import Endpoint
from golive.probes.http import connect_tls, naming_faults, receive

_REQUEST = "HEAD {path} HTTP/1.1\r\nHost: {name}\r\nUser-Agent: golive\r\n\r\n"


def idle_s(endpoint: Endpoint, path: str, *, at_most_s: float) -> float | None:
    """Seconds from an answer until the server closes; None where it has not by `at_most_s`.

    One request is sent, and its answer (which has no body) read. Raises Unproven as `request`.
    """
    with (
        connect_tls(endpoint, alpn=("http/1.1",)) as stream,
        naming_faults(f"an idle connection to {endpoint}"),
    ):
        stream.sendall(_REQUEST.format(path=path, name=endpoint.name).encode())
        received = b""
        deadline = time.monotonic() + 5
        while b"\r\n\r\n" not in received:
            if not (data := receive(stream, deadline=deadline)):
                raise ConnectionResetError("closed without an answer")
            received += data
        answered = time.monotonic()
        try:
            while receive(stream, deadline=answered + at_most_s):
                pass
        except TimeoutError:
            return None
        return time.monotonic() - answered
