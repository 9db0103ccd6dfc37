from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import replace

import pytest

from golive.outcome import Unproven, Whose
from golive.probes.leaky_bucket import Interval
from golive.probes.rate_limit import Rate, measure_burst, measure_rate

from .nginx_server import Nginx, nginx

AT_ONCE = 40
FAST = {"9r/s": 9.0, "10r/s": 10.0, "11r/s": 11.0}
SLOW = {"4r/m": 0.066, "5r/m": 0.083, "6r/m": 0.1}  # as nginx keeps them: whole thousandths
ABOVE_ALL = 12.0


def limited(
    host: str,
    rate: str,
    burst: int,
    *,
    key: str = "$binary_remote_addr",
    nodelay: bool = True,
    more: str = "",
) -> str:
    """A virtual host of one limit. Its files are missing: an accepted request gets 404."""
    return f"""
    limit_req_zone {key} zone={host}:1m rate={rate};
    server {{
        listen ADDRESS:8443 ssl http2;
        server_name {host}.golive.test;
        root nowhere;
        limit_req zone={host} {f"burst={burst}" if burst else ""} {"nodelay" if nodelay else ""};
        {more}
    }}"""


CONFIGURATION = "".join(
    [
        *(limited(f"rate{n}", rate, 20) for n, rate in enumerate(FAST)),
        *(limited(f"slow{n}", rate, 10) for n, rate in enumerate(SLOW)),
        *(limited(f"burst{burst}", "10r/s", burst) for burst in (0, 19, 20, 21, 25)),
        limited("shared", "5r/m", 10, key="$server_name"),
        limited("delayed", "10r/s", 5, nodelay=False),
        limited("stuck", "5r/m", 10, nodelay=False),
        limited("dead", "10r/s", 20, more="location / { proxy_pass http://ADDRESS:1; }"),
        limited("twofold", "10r/s", 20, more="location / { proxy_pass http://ADDRESS:8080; }"),
        """
        limit_req_zone $server_addr zone=application:1m rate=10r/s;
        server {
            listen ADDRESS:8080;
            limit_req zone=application burst=5 nodelay;
            limit_req_status 429;
        }""",
        limited("keyless", "10r/s", 20, key="$arg_nothing"),
        limited(
            "polite",
            "5r/m",
            10,
            more="""
            limit_req_status 429;
            error_page 429 @refused;
            location @refused {
                add_header Retry-After 12 always;
                return 429 '{"error": "too many"}';
            }""",
        ),
    ]
)


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Nginx]:
    with nginx(tmp_path_factory.mktemp("nginx"), CONFIGURATION) as running:
        yield running


@pytest.fixture(scope="module")
def measuring(server: Nginx) -> Iterator[dict[str, Future[Rate]]]:
    """The rates, measured side by side: the slowest takes 15 s, and so do all."""
    with ThreadPoolExecutor() as pool:
        fast = {
            rate: pool.submit(
                measure_rate,
                server.endpoint(f"rate{n}"),
                "/",
                at_once=AT_ONCE,
                every_s=0.02,
                tokens=30,
                at_most_s=60,
            )
            for n, rate in enumerate(FAST)
        }
        slow = {
            rate: pool.submit(
                measure_rate,
                server.endpoint(f"slow{n}"),
                "/",
                at_once=AT_ONCE,
                every_s=0.25,
                tokens=1,
                at_most_s=60,
                method="POST",
                headers=[("Content-Type", "application/json")],
                body=b'{"email": "nobody@example.test"}',
            )
            for n, rate in enumerate(SLOW)
        }
        yield fast | slow


# The module's first test starts the slow measurements; those that await them stand last.
def test_measurements_start(measuring: dict[str, Future[Rate]]) -> None:
    assert set(measuring) == set(FAST) | set(SLOW)


@pytest.mark.parametrize("burst", [0, 19, 20, 21, 25])
def test_a_burst_is_told_from_its_neighbours(server: Nginx, burst: int) -> None:
    seen = measure_burst(server.endpoint(f"burst{burst}"), "/", at_once=AT_ONCE)
    bounds = seen.bounds(rate_per_s=ABOVE_ALL)
    assert bounds.low <= burst
    assert bounds.high is not None
    assert bounds.high >= burst
    if ABOVE_ALL * (seen.spread_s + 0.02) < 1:
        assert bounds == Interval(burst, burst)
    assert seen.accepted + seen.refused == AT_ONCE
    assert seen.unanswered == 0


def test_the_answers_of_a_burst_are_kept_in_order(server: Nginx) -> None:
    seen = measure_burst(server.endpoint("polite"), "/", at_once=12)
    assert [one and one.status for one in seen.answers] == [404] * 11 + [429]
    refusal = seen.first_refusal
    assert refusal is not None
    assert refusal.values("Retry-After") == ("12",)
    assert refusal.body == b'{"error": "too many"}'
    assert refusal.url == "https://polite.golive.test:8443/"


def test_a_refusal_by_nginxs_default_status_counts(server: Nginx) -> None:
    refusal = measure_burst(server.endpoint("burst0"), "/", at_once=2).first_refusal
    assert refusal is not None
    assert refusal.status == 503


def test_each_client_has_a_bucket_of_its_own(server: Nginx) -> None:
    clients = [server.endpoint("slow1") for _ in range(5)]
    with ThreadPoolExecutor() as pool:
        seen = list(pool.map(lambda c: measure_burst(c, "/", at_once=AT_ONCE), clients))
    assert [one.accepted for one in seen] == [11] * 5


def test_a_bucket_that_all_clients_share_is_found_full_by_the_second(server: Nginx) -> None:
    assert measure_burst(server.endpoint("shared"), "/", at_once=AT_ONCE).accepted == 11
    second = measure_burst(server.endpoint("shared"), "/", at_once=AT_ONCE)
    assert (second.accepted, second.refused) == (0, AT_ONCE)
    with pytest.raises(Unproven, match="not empty before") as caught:
        second.bounds(rate_per_s=ABOVE_ALL)
    assert caught.value.whose is Whose.TARGET
    with pytest.raises(Unproven, match="0 were accepted, 40 refused"):
        rate_of(server, "shared")


def test_no_limit_is_a_fact(server: Nginx) -> None:
    rate = rate_of(server, "keyless")
    assert rate.per_s is None
    assert rate.burst.refused == 0
    assert rate.burst.first_refusal is None
    assert rate.burst.bounds(rate_per_s=0) == Interval(AT_ONCE - 1, None)
    assert rate.tries == ()


def test_a_limit_that_delays_shows_in_the_time_of_the_accepted(server: Nginx) -> None:
    seen = measure_burst(server.endpoint("delayed"), "/", at_once=AT_ONCE)
    assert (seen.accepted, seen.refused, seen.unanswered) == (6, AT_ONCE - 6, 0)
    assert seen.slowest_accepted_s is not None
    assert seen.slowest_accepted_s > 0.4  # five are held back for 0.1 s each
    assert seen.spread_s < seen.slowest_accepted_s


def test_a_limit_that_delays_beyond_the_timeout_leaves_requests_unanswered(server: Nginx) -> None:
    seen = measure_burst(server.endpoint("stuck"), "/", at_once=AT_ONCE, timeout_s=0.5)
    assert (seen.accepted, seen.unanswered, seen.refused) == (1, 10, AT_ONCE - 11)
    assert seen.bounds(rate_per_s=0.1) == Interval(0, 10)
    with pytest.raises(Unproven, match=r"10 not answered within 0\.5 s") as caught:
        rate_of(server, "stuck", timeout_s=0.5)
    assert caught.value.whose is Whose.TARGET


def test_an_error_of_the_server_is_neither_accepted_nor_refused(server: Nginx) -> None:
    with pytest.raises(Unproven, match="answers 502: not the doing of one limit") as caught:
        measure_burst(server.endpoint("dead"), "/", at_once=AT_ONCE)
    assert caught.value.whose is Whose.TARGET


def test_the_refusals_of_two_limits_are_not_taken_for_one(server: Nginx) -> None:
    with pytest.raises(Unproven, match="answers 429, 503: not the doing of one limit"):
        measure_burst(server.endpoint("twofold"), "/", at_once=AT_ONCE)


def test_an_unreachable_server_is_unproven(server: Nginx) -> None:
    with pytest.raises(Unproven, match="refused"):
        measure_burst(replace(server.endpoint("burst20"), port=1), "/", at_once=AT_ONCE)


def test_time_over_bounds_a_slow_rate_from_above(server: Nginx) -> None:
    rate = rate_of(server, "polite", at_most_s=1)
    assert rate.per_s is not None
    assert rate.per_s.low == 0
    assert rate.per_s.high is not None
    assert rate.per_s.high >= SLOW["5r/m"]
    assert {one.status for one in rate.answers} == {429}


@pytest.mark.parametrize(("asked", "true"), (FAST | SLOW).items())
def test_a_rate_is_told_from_its_neighbours(
    measuring: dict[str, Future[Rate]], asked: str, true: float
) -> None:
    rate = measuring[asked].result()
    assert rate.per_s is not None
    assert rate.per_s.high is not None
    assert rate.per_s.low <= true <= rate.per_s.high
    others = [other for other in (FAST | SLOW).values() if other != true]
    assert [other for other in others if rate.per_s.low <= other <= rate.per_s.high] == []
    assert sum(one.accepted for one in rate.tries) == (30 if asked in FAST else 1)
    assert len(rate.answers) == len(rate.tries)


def rate_of(server: Nginx, host: str, *, at_most_s: float = 5, timeout_s: float = 5) -> Rate:
    return measure_rate(
        server.endpoint(host),
        "/",
        at_once=AT_ONCE,
        every_s=0.1,
        tokens=1,
        at_most_s=at_most_s,
        timeout_s=timeout_s,
    )
