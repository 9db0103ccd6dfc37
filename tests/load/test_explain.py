from dataclasses import replace
from datetime import UTC, datetime

from golive.load.explain import explain
from golive.load.figures import Figures, ServerFigures

NOW = datetime.now(UTC)
WELL = ServerFigures("app-1", 200, 0, 12.0, 30.0, 0.2, 170.0, 3.0, 0.1, 1.0)
FIGURES = Figures(
    NOW, NOW, tuple(replace(WELL, name=f"app-{n}") for n in (1, 2, 3)), (), 400, 0, 0.4, 100, 40,
    (), (),
)  # fmt: skip


def of(**changes):
    servers = tuple(replace(each, **changes) for each in FIGURES.servers)
    return " / ".join(explain(replace(FIGURES, servers=servers)))


def one(**changes):
    first, *others = FIGURES.servers
    return " / ".join(explain(replace(FIGURES, servers=(replace(first, **changes), *others))))


def test_nothing_stands_out():
    assert "no figure" in of()


def test_a_slow_database_and_a_slow_way_to_it():
    assert "the time is lost on the way to MongoDB" in of(mongodb_ms=152.0)
    itself = replace(FIGURES, mongodb_own_ms=151.0)
    servers = tuple(replace(each, mongodb_ms=152.0) for each in itself.servers)
    assert "MongoDB itself is slow" in " ".join(explain(replace(itself, servers=servers)))


def test_a_blocked_event_loop_makes_everything_wait_and_is_named_alone():
    said = of(lag_ms=640.0, redis_ms=60.0, mongodb_ms=120.0)
    assert "event loop of app-1, app-2, app-3 was blocked for up to 640 ms" in said
    assert "MongoDB" not in said


def test_a_loop_that_is_late_for_longer_than_people_wait_needs_no_other_witness():
    assert "was blocked for up to 620 ms" in of(lag_ms=620.0)
    assert "no figure" in of(lag_ms=300.0)


def test_one_server_of_three():
    assert "app-1 alone answers with errors: 60 of 200" in one(faulty=60)
    assert "app-1 alone is slow: 700 ms" in one(mean_ms=700.0)


def test_a_small_pool():
    said = of(pool_ms=420.0, mongodb_ms=45.0)
    assert "waited 420 ms on average for a connection" in said
    assert "MongoDB command took" not in said
