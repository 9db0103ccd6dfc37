"""Addresses are never given twice; requests of one client keep their pace."""

import time
from ipaddress import IPv4Network

import pytest

from golive.gate.clients import Clients, Pace, start_now
from golive.outcome import Unproven, Whose

SMALL = IPv4Network("127.9.0.0/29")  # six addresses


def test_each_address_once_whatever_the_start():
    clients = Clients(SMALL, start=1_000_004)
    given = [clients.new() for _ in range(6)]
    assert set(given) == {f"127.9.0.{n}" for n in range(1, 7)}
    with pytest.raises(Unproven, match="all 6 client addresses") as raised:
        clients.new()
    assert raised.value.whose is Whose.OURS


def test_workers_share_the_network():
    workers = [Clients(SMALL, 5, worker, 3) for worker in range(3)]
    given = [clients.new() for clients in workers for _ in range(2)]
    assert len(set(given)) == 6


def test_a_purpose_keeps_its_address():
    clients = Clients(SMALL, 0)
    first = clients.named("rate")
    assert clients.new() != first
    assert clients.named("rate") == first


def test_no_network_no_address():
    clients = Clients(None, 0)
    assert (clients.new(), clients.named("rate")) == (None, None)


def test_a_later_run_starts_elsewhere():
    first = start_now()
    deadline = time.monotonic() + 5
    while start_now() == first and time.monotonic() < deadline:
        time.sleep(0.005)
    assert start_now() > first


def test_pace():
    pace = Pace(50)
    begin = time.monotonic()
    for _ in range(6):
        pace.wait()
    assert time.monotonic() - begin >= 5 / 50


def test_no_pace_does_not_hold_back():
    pace = Pace(None)
    begin = time.monotonic()
    for _ in range(10_000):
        pace.wait()
    assert pace._free - begin < 10_000 / 50
