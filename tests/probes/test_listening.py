import socket
from pathlib import Path

import psutil
import pytest

from golive.outcome import Unproven, Whose
from golive.probes.listening import Listener, listeners

from .nginx_server import fresh_address


@pytest.mark.parametrize("address", [fresh_address(), "0.0.0.0"], ids=["own", "any"])
def test_a_listener_is_seen_with_address_and_directory(address: str) -> None:
    # Another one, for a machine on which nobody listens is not believed.
    with socket.create_server((fresh_address(), 0)):
        with socket.create_server((address, 0)) as server:
            port = server.getsockname()[1]
            mine = Listener(address, port, psutil.Process().name(), Path.cwd())
            assert mine in listeners()
        assert mine not in listeners()


def test_a_machine_on_which_nobody_listens_is_not_believed(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(psutil, "net_connections", lambda _: [])
    with pytest.raises(Unproven) as caught:
        listeners()
    assert caught.value.whose is Whose.OURS
