"""How long the end of a connection says to leave the venue alone, and who waits. On sockets: faults/test_bans.py."""

from __future__ import annotations

import itertools
from random import Random
from typing import Any

import pytest

from owned_link import Owned, request
from tradewire.core import monotonic_ns
from tradewire.errors import FeedConnectionError
from tradewire.streaming.events import ConnectionState
from tradewire.streaming.gate import Bans, stay_away_s
from tradewire.streaming.link import Link
from tradewire.transport.policy.breaker import BreakerState, BreakerStates
from tradewire.venues.binance.session import BinanceSession
from tradewire.venues.registry import load

NOW_MS = 1_700_000_000_000
_HOUR_NS = 3_600_000_000_000
_ONE_PROBE = {"half_open_max_requests": 1, "success_threshold": 1, "lease_ns": _HOUR_NS}


@pytest.mark.parametrize(
    ("status", "header_s", "body", "away_s"),
    [
        (418, None, "", 120.0),
        (429, None, "", 60.0),
        (429, None, "Too many requests.", 60.0),
        (418, 7.0, "", 7.0),
        (418, None, f"IP banned until {NOW_MS + 30_000}.", 30.0),
        (418, 7.0, f"IP banned until {NOW_MS + 30_000}.", 30.0),
        (418, None, f"IP banned until {NOW_MS - 1}.", 120.0),
        (418, None, "IP banned until 1899999999999.", 3 * 86_400.0),
        (403, None, "", 180.0),
        (403, 7.0, "", 7.0),
        (401, None, "", None),
        (451, None, "", None),
        (503, 9.0, "", 9.0),
        (503, None, "", None),
        (None, None, "", None),
    ],
)
def test_by_header_by_body_or_by_status(
    status: int | None, header_s: float | None, body: str, away_s: float | None
) -> None:
    error = FeedConnectionError("refused", header_s, status=status, body=body.encode())
    assert stay_away_s(error, BinanceSession(), NOW_MS * 1_000_000) == away_s


@pytest.mark.parametrize("error", [None, OSError("lost")])
def test_what_is_no_refusal_says_nothing(error: Exception | None) -> None:
    assert stay_away_s(error, BinanceSession(), NOW_MS * 1_000_000) is None


class Refusing:
    """A gate, the owner of a link, and a venue that refuses every handshake with a ban."""

    def __init__(self, body: bytes = b"", *, is_lost: bool = False) -> None:
        self.body, self.is_lost = body, is_lost
        self.told: list[float] = []
        self.waits_ns: list[int] = []
        self.reasons: list[str] = []
        self.held = self.looks = self.attempts = 0

    def hold(self, seconds: float) -> None:
        self.told.append(seconds)
        self.held = 1_000_000

    def held_ns(self) -> int:
        self.looks += 1
        return self.held

    def on_link(self, link: Link, event: Any) -> None:
        self.waits_ns.append(event.retry_in_ns)
        self.reasons.append(event.reason)

    async def open(self, *_: Any, **__: Any) -> Any:
        self.attempts += 1
        if self.is_lost:
            self.held = 18_000_000_000
            raise FeedConnectionError("reset")
        raise FeedConnectionError("HTTP 418", status=418, body=self.body)

    def link(self, breaker: BreakerStates | None = None) -> Link:
        owner: Any = self
        venue = load("binance")
        link = Link(
            venue.name,
            "public",
            "public",
            venue.limits,
            "ws://127.0.0.1/",
            owner,
            lambda: owner,
            BinanceSession,
            itertools.count(1),
            Random(1),
            5,
            breaker,
            open_socket=self.open,
            gate=self,
        )
        link.add("btcusdt@trade")
        link.start()
        return link


@pytest.mark.parametrize(("body", "told"), [(b"", 120.0), (b"IP banned until 1899999999999.", 3 * 86_400.0)])
async def test_a_refused_handshake_keeps_everybody_away(eventually: Any, body: bytes, told: float) -> None:
    refusing = Refusing(body)
    link = refusing.link()
    await eventually(lambda: refusing.told and len(refusing.waits_ns) == 2)
    assert refusing.told == [told]
    assert refusing.waits_ns[1] >= told * 1e9
    await link.stop(0.01)


async def test_the_wait_that_is_told_is_that_of_a_ban_told_elsewhere(eventually: Any) -> None:
    refusing = Refusing(is_lost=True)
    link = refusing.link()
    await eventually(lambda: len(refusing.waits_ns) == 2)
    assert (refusing.waits_ns[1], refusing.reasons[1]) == (18_000_000_000, "reset; the venue asks to be left alone")
    await link.stop(0.01)


async def test_the_wait_that_is_told_is_that_of_the_breaker(eventually: Any) -> None:
    refusing = Refusing(is_lost=True)
    breaker = BreakerStates(failure_threshold=1, reset_timeout_ns=60_000_000_000, **_ONE_PROBE)
    link = refusing.link(breaker)
    await eventually(lambda: len(refusing.waits_ns) == 2)
    assert 50e9 < refusing.waits_ns[1] <= 60e9
    await link.stop(0.01)


@pytest.mark.parametrize(("is_lost", "after"), [(False, BreakerState.HALF_OPEN), (True, BreakerState.OPEN)])
async def test_a_ban_does_not_speak_against_the_venue(eventually: Any, is_lost: bool, after: BreakerState) -> None:
    breaker = BreakerStates(failure_threshold=1, reset_timeout_ns=_HOUR_NS, **_ONE_PROBE)
    breaker.open(monotonic_ns() - _HOUR_NS)
    refusing = Refusing(is_lost=is_lost)
    link = refusing.link(breaker)
    await eventually(lambda: len(refusing.waits_ns) == 2)
    assert breaker.state is after
    assert bool(breaker.admit(monotonic_ns())) is not is_lost, "the probe is given back"
    await link.stop(0.01)


def test_each_ban_is_logged_once(caplog: pytest.LogCaptureFixture) -> None:
    now = [1]
    bans = Bans(lambda: now[0])
    host = frozenset(("venue.example", "binance"))
    for seconds in (20, 25, 30):
        bans.hold(host, seconds)
    assert caplog.messages == ["binance, venue.example: the venue asks to be left alone for 20.0 s"]
    now[0] += 31_000_000_000
    bans.hold(host, 5)
    assert len(caplog.messages) == 2


async def test_a_gate_that_closes_while_the_breaker_is_waited_for_holds_too(eventually: Any) -> None:
    refusing = Refusing()

    class Slow(BreakerStates):
        """Open once; while it is waited for, the gate closes."""

        asked = 0

        def admit(self, now_ns: int) -> int:
            self.asked += 1
            if self.asked == 1:
                refusing.held = 1_000_000
                return 0
            return super().admit(now_ns)

    breaker = Slow(failure_threshold=3, reset_timeout_ns=1_000_000, **_ONE_PROBE)
    link = refusing.link(breaker)
    await eventually(lambda: refusing.looks >= 4)
    assert (breaker.asked, refusing.attempts) == (1, 0)
    refusing.held = 0
    await eventually(lambda: refusing.attempts == 1)
    assert breaker.asked == 2
    await link.stop(0.01)


async def _refused(wire_server: Any, status: int) -> None:
    peer = await wire_server.accept()
    await peer.reader.readuntil(b"\r\n\r\n")
    peer.send(b"HTTP/1.1 %d No\r\nContent-Length: 0\r\n\r\n" % status)


@pytest.mark.parametrize(
    ("status", "calls", "waits_s"),
    [(401, 1, (96, 120)), (403, 1, (180, 180)), (451, 1, (96, 120)), (404, 0, (0, 0.5)), (503, 0, (0, 0.5))],
)
async def test_a_refusal_that_attempts_do_not_change_calls_a_person_at_once_and_is_left_alone(
    wire_server: Any, status: int, calls: int, waits_s: tuple[float, float], eventually: Any
) -> None:
    owned = Owned(wire_server.url, Random(1))
    owned.link.add("btcusdt@trade")
    owned.link.start()
    await _refused(wire_server, status)
    await eventually(lambda: owned.changes and owned.changes[-1].state is ConnectionState.RECONNECTING)
    assert waits_s[0] <= owned.changes[-1].retry_in_ns / 1e9 <= waits_s[1]
    assert len(owned.fatal) == calls
    assert all(f"answered HTTP {status}: " in reason for reason in owned.fatal)
    await owned.link.stop(0.01)


async def test_a_refusal_for_a_person_is_told_once_until_a_connection_has_served(
    wire_server: Any, no_wait: Random, frames: Any, eventually: Any
) -> None:
    owned = Owned(wire_server.url, no_wait)
    owned.link.add("btcusdt@trade")
    owned.link.start()
    for _ in range(2):
        await _refused(wire_server, 451)
    peer = await wire_server.serve()
    assert len(owned.fatal) == 1
    peer.send_frame(frames.ack((await request(peer))["id"]))
    peer.send_frame(frames.trade(1))
    await eventually(lambda: owned.pipeline.counters["messages.trade"])
    await peer.close()
    await _refused(wire_server, 451)
    await eventually(lambda: len(owned.fatal) == 2)
    await owned.link.stop(0.01)
