from collections.abc import Iterator

import pytest

from golive.outcome import Unproven, Whose
from golive.probes.keep_alive import idle_s

from .nginx_server import Nginx, nginx

CONFIGURATION = """
server { listen ADDRESS:8443 ssl; server_name short.golive.test; keepalive_timeout 1; return 204; }
server { listen ADDRESS:8443 ssl; server_name long.golive.test; keepalive_timeout 60; return 204; }
server { listen ADDRESS:8443 ssl; server_name none.golive.test; return 444; }
"""


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Nginx]:
    with nginx(tmp_path_factory.mktemp("nginx"), CONFIGURATION) as running:
        yield running


def test_an_idle_connection_is_closed_when_the_server_says(server: Nginx) -> None:
    seen = idle_s(server.endpoint("short"), "/", at_most_s=30)
    assert seen is not None
    assert seen >= 0.9


def test_one_that_outlives_the_wait_is_none(server: Nginx) -> None:
    assert idle_s(server.endpoint("long"), "/", at_most_s=0.1) is None


def test_one_that_is_never_answered_is_unproven(server: Nginx) -> None:
    with pytest.raises(Unproven, match="closed without an answer") as caught:
        idle_s(server.endpoint("none"), "/", at_most_s=1)
    assert caught.value.whose is Whose.TARGET
