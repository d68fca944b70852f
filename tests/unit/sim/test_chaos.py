"""The faults of a venue: what they reach, how they end, what the venue is told."""

from __future__ import annotations

import pytest

from sim_wires import Named, Wire
from tradewire.sim.chaos import Chaos
from tradewire.sim.faults import Refusal

TRADES, QUOTES = Named(), Named("btcusdt@bookTicker", "quotes")


class Clock:
    now_s = 100.0

    def __call__(self) -> float:
        return self.now_s


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def chaos(clock: Clock) -> Chaos:
    return Chaos(channels=("trades", "quotes", "book"), clock=clock)


def _joined(chaos: Chaos) -> Wire:
    wire = Wire()
    assert chaos.joined(wire)
    return wire


def test_mute_by_channel_and_time(chaos: Chaos, clock: Clock) -> None:
    wire = _joined(chaos)
    fault = chaos.mute(channel="trades", symbol="BTC/USDT", for_s=5)
    assert chaos.is_messing
    chaos.deliver(wire, TRADES, b"t")
    chaos.deliver(wire, QUOTES, b"q")
    assert wire.got == [b"q"]
    clock.now_s += 5
    chaos.tick()
    assert (fault.is_active, fault.injected, chaos.is_messing) == (False, 1, False)
    chaos.deliver(wire, TRADES, b"t")
    assert wire.got == [b"q", b"t"]


def test_what_chose_by_match_and_met_nothing_is_told(
    chaos: Chaos, clock: Clock, caplog: pytest.LogCaptureFixture
) -> None:
    wire = _joined(chaos)
    chaos.mute(match="depth", for_s=5)
    chaos.mute(match="trade", for_s=5)
    chaos.drop(p=0.1, channel="book", for_s=5)
    chaos.refuse_rest(418, match="depth", for_s=5)
    chaos.refuse_rest(418, match="time", for_s=5)
    chaos.refuse_rest(429, for_s=5)
    chaos.deliver(wire, TRADES, b"t")
    assert chaos.request("/fapi/v1/time") is not None
    clock.now_s += 4.9
    chaos.tick()
    assert caplog.messages == []
    clock.now_s += 0.1
    chaos.tick()
    chaos.tick()
    assert caplog.messages == [
        "fault 1 (mute match depth) is over, and nothing came that fits",
        "fault 4 (refuse-rest 418 match depth) is over, and nothing came that fits",
    ]
    chaos.mute(match="depth", for_s=5).stop()
    assert len(caplog.messages) == 2, "stopped before its time"


def test_mute_until_reconnect(chaos: Chaos) -> None:
    old = _joined(chaos)
    chaos.mute(until="reconnect")
    new = _joined(chaos)
    for wire in (old, new):
        chaos.subscribed(wire, TRADES)
        chaos.deliver(wire, TRADES, b"t")
    assert (old.got, new.got) == ([], [b"t"])


def test_mute_until_resubscribe(chaos: Chaos) -> None:
    wire = _joined(chaos)
    chaos.subscribed(wire, TRADES)
    chaos.mute(until="resubscribe")
    chaos.deliver(wire, TRADES, b"1")
    chaos.subscribed(wire, TRADES)
    chaos.deliver(wire, TRADES, b"2")
    assert wire.got == [b"2"]


def test_faults_add_up_in_their_order(chaos: Chaos) -> None:
    wire = _joined(chaos)
    chaos.duplicate(1)
    chaos.drop(1)
    chaos.deliver(wire, TRADES, b"t")
    assert wire.got == [b"t"]


def test_without_number_and_chance_once(chaos: Chaos) -> None:
    wire = _joined(chaos)
    fault = chaos.drop(match="book")
    for _ in range(3):
        chaos.deliver(wire, QUOTES, b"q")
    assert (fault.injected, fault.is_active, len(wire.got)) == (1, False, 2)


def test_one_seed_gives_one_sequence() -> None:
    def run(seed: int) -> list[bytes]:
        chaos = Chaos(seed=seed, channels=("trades",))
        wire = _joined(chaos)
        chaos.drop(p=0.2)
        chaos.duplicate(p=0.1)
        chaos.reorder(p=0.1)
        for number in range(500):
            chaos.deliver(wire, TRADES, str(number).encode())
        return wire.got

    assert run(3) == run(3) != run(4)


def test_reorder_of_a_lost_connection(chaos: Chaos) -> None:
    wire = _joined(chaos)
    fault = chaos.reorder(1)
    chaos.deliver(wire, TRADES, b"t")
    chaos.left(wire)
    fault.stop()
    assert wire.got == []
    assert not chaos.knows(wire)


def test_half_open_spares_the_next_connection(chaos: Chaos) -> None:
    old = _joined(chaos)
    fault = chaos.half_open()
    new = _joined(chaos)
    assert (old.is_frozen, new.is_frozen, fault.injected) == (True, False, 1)
    fault.stop()
    assert not old.is_frozen


def test_half_open_for_everybody(chaos: Chaos) -> None:
    fault = chaos.half_open(until="stopped")
    assert _joined(chaos).is_frozen
    assert fault.injected == 1


def test_drip_of_old_and_new_connections(chaos: Chaos) -> None:
    old = _joined(chaos)
    fault = chaos.drip(50)
    new = _joined(chaos)
    assert (old.bytes_per_s, new.bytes_per_s, fault.injected) == (50, 50, 2)
    fault.stop()
    assert (old.bytes_per_s, new.bytes_per_s) == (None, None)


def test_disconnect_drops_everybody(chaos: Chaos) -> None:
    wires = [_joined(chaos), _joined(chaos)]
    fault = chaos.disconnect()
    assert [wire.is_aborted for wire in wires] == [True, True]
    assert (fault.injected, fault.is_active) == (2, False)


def test_accept_then_close(chaos: Chaos) -> None:
    fault = chaos.accept_then_close(2)
    assert not chaos.joined(Wire())
    assert not chaos.closes_opened()
    assert not chaos.joined(Wire())
    assert chaos.joined(Wire())
    assert not fault.is_active
    chaos.accept_then_close(after="handshake")
    assert chaos.joined(Wire())
    assert [chaos.closes_opened(), chaos.closes_opened()] == [True, False]


def test_refused_handshakes_and_requests(chaos: Chaos, clock: Clock) -> None:
    connect = chaos.refuse_connect(418, retry_after_s=30)
    assert [chaos.handshake(), chaos.handshake()] == [Refusal(418, 30), None]
    assert not connect.is_active
    rest = chaos.refuse_rest(429, match="depth", for_s=10)
    assert chaos.request("/fapi/v1/time") is None
    assert chaos.request("/fapi/v1/depth") == chaos.request("/fapi/v1/depth") == Refusal(429)
    clock.now_s += 10
    chaos.tick()
    assert chaos.request("/fapi/v1/depth") is None
    assert rest.injected == 2


def test_connection_limit_replaces_the_venues_own(chaos: Chaos) -> None:
    assert [chaos.over_limit(9), chaos.over_limit(2, 1), chaos.over_limit(1, 1)] == [False, True, False]
    fault = chaos.connection_limit(2)
    assert [chaos.over_limit(2, 1), chaos.over_limit(3)] == [False, True]
    assert fault.injected == 1


def test_credentials_expire(chaos: Chaos) -> None:
    fault = chaos.expire_auth()
    assert [chaos.refuses_credentials(), chaos.refuses_credentials()] == [True, True]
    fault.stop()
    assert not chaos.refuses_credentials()


def test_restart_is_asked_for_once(chaos: Chaos) -> None:
    fault = chaos.restart(0.25)
    assert chaos.take_restart() == (fault, 0.25)
    assert chaos.take_restart() is None
    assert fault.is_active
    fault.inject()
    assert not fault.is_active


def test_skew_of_the_last_fault_counts(chaos: Chaos) -> None:
    first, second = chaos.skew(1_000), chaos.skew(-250)
    assert chaos.skew_ms == -250
    second.stop()
    assert chaos.skew_ms == 1_000
    first.stop()
    assert chaos.skew_ms == 0


def test_the_venue_is_made_to_say_something() -> None:
    said: list[str] = []

    def say(symbol: str) -> bool:
        said.append(symbol)
        return symbol != "MSFT"

    chaos = Chaos(channels=("statuses",), symbols=("AAPL", "MSFT", "BTC/USD"), notices={"halt": ("statuses", say)})
    fault = chaos.tell("halt", "aapl")
    assert (fault.text, fault.injected, fault.is_active, said) == ("tell halt aapl", 1, False, ["AAPL"])
    assert (chaos.tell("halt", "MSFT").injected, chaos.faults[-1].is_active) == (0, False), "it could not"
    with pytest.raises(ValueError, match="symbol must be one that is listed"):
        chaos.tell("halt", "MARS")
    with pytest.raises(ValueError, match="notice must be one of halt, was 'rumour'"):
        chaos.tell("rumour", "AAPL")
    with pytest.raises(ValueError, match="left out on this venue, which has none, was 'halt'"):
        Chaos().tell("halt", "AAPL")


def test_clear_ends_everything(chaos: Chaos) -> None:
    wire = _joined(chaos)
    chaos.mute()
    chaos.half_open()
    chaos.skew(5)
    chaos.refuse_rest(n=3)
    chaos.restart()
    chaos.clear()
    assert not any(fault.is_active for fault in chaos.faults)
    assert (chaos.is_messing, wire.is_frozen, chaos.skew_ms) == (False, False, 0)
    assert (chaos.request("/"), chaos.take_restart()) == (None, None)


def test_numbers_and_texts(chaos: Chaos) -> None:
    fault = chaos.drop(3, channel="book", symbol="BTCUSDT")
    assert (fault.number, fault.text) == (1, "drop 3 book BTCUSDT")
    assert chaos.duplicate(p=0.05).text == "duplicate 5%"
    assert chaos.refuse_rest(418, retry_after_s=7, match="depth").text == "refuse-rest 418 retry-after 7s match depth"
    assert chaos.find(1) is fault
    assert chaos.find(0) is chaos.find(9) is None


@pytest.mark.parametrize(
    ("name", "arguments", "said"),
    [
        ("mute", {"channel": "trade"}, "channel must be one of trades, quotes, book, was 'trade'"),
        ("mute", {"for_s": 0}, "for_s must be above 0"),
        ("mute", {"until": "never"}, "until must be stopped, reconnect or resubscribe, was 'never'"),
        ("drop", {"n": 0}, "n must be at least 1"),
        ("drop", {"p": 1.5}, "p must be a probability"),
        ("drip", {"bytes_per_s": 0}, r"bytes_per_s must be 1\.\.1e9, was 0"),
        ("accept_then_close", {"after": "lunch"}, "after must be accept or handshake, was 'lunch'"),
        ("refuse_rest", {"status": 200}, r"status must be an HTTP error 400\.\.599, was 200"),
        ("connection_limit", {"limit": -1}, "limit must be at least 0"),
        ("restart", {"down_s": -1}, r"down_s must be 0\.\.3600"),
        ("skew", {"ms": 10**9}, "ms must be within a day"),
    ],
)
def test_ranges(chaos: Chaos, name: str, arguments: dict[str, object], said: str) -> None:
    with pytest.raises(ValueError, match=said):
        getattr(chaos, name)(**arguments)
    assert chaos.faults == []
