from collections.abc import Iterator

import pytest

from golive.outcome import Unproven, Whose
from golive.probes.application_limit import spend

from .nginx_server import Nginx, nginx

HTTP = """
limit_req_zone $binary_remote_addr zone=slow:1m rate=1r/m;
server {
    listen ADDRESS:8443 ssl;
    server_name limited.golive.test;
    limit_req zone=slow burst=4 nodelay;
    limit_req_status 429;
    location / { empty_gif; }
}
server {
    listen ADDRESS:8443 ssl;
    server_name free.golive.test;
    location / { return 404 absent; }
}
"""


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Nginx]:
    with nginx(tmp_path_factory.mktemp("nginx"), HTTP) as running:
        yield running


def test_a_client_is_served_until_it_is_refused(server: Nginx):
    seen = spend(server.endpoint("limited"), "/", at_once=3, every_s=0.05, at_most=20)
    assert seen.served == (200,) * 5
    assert seen.refusal is not None
    assert seen.refusal.status == 429
    # The fourth waits for the first beat, the sixth for the third.
    assert seen.elapsed_s >= 2 * 0.05
    assert 0 < seen.first_s < seen.elapsed_s


def test_where_there_is_no_limit_there_is_no_refusal(server: Nginx):
    seen = spend(server.endpoint("free"), "/", at_once=10, every_s=1, at_most=7)
    assert (seen.served, seen.refusal) == ((404,) * 7, None)


def test_a_site_that_does_not_answer_is_unproven(server: Nginx):
    with pytest.raises(Unproven) as error:
        spend(server.endpoint("limited", port=9), "/", at_once=1, every_s=1, at_most=1)
    assert error.value.whose is Whose.TARGET
