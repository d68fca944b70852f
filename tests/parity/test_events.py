"""Each event class by itself: defaults, derived fields, flags that follow from fields."""

from __future__ import annotations

import random
from types import ModuleType

import pytest

from made_batches import EXAMPLES, example
from tradewire.core import record

LEAST = {
    "Trade": {"price": 1.0, "quantity": 2.0},
    "Quote": EXAMPLES["Quote"],
    "BookDelta": {},
    "BookSnapshot": {},
    "MarkPrice": {"mark_price": 1.0},
    "Bar": {"open": 1.0, "high": 2.0, "low": 0.5, "close": 1.5, "volume": 10.0, "start_ns": 60, "interval": ""},
    "Ticker": {},
    "Liquidation": {"price": 1.0, "quantity": 2.0},
    "Control": {"status": "notice"},
}


@pytest.mark.parametrize("name", LEAST)
def test_defaults(impl: ModuleType, name: str) -> None:
    event = getattr(impl, name)(symbol="A", venue="v", **LEAST[name])
    assert (event.event_ns, event.recv_ns, event.seq) == (0, 0, 0)
    for field in set(EXAMPLES[name]) - set(LEAST[name]):
        expected = {"bids": (), "asks": (), "closed": False}.get(field)
        assert getattr(event, field) == expected, field


@pytest.mark.parametrize("name", LEAST)
@pytest.mark.parametrize("given", [{}, {"symbol": "A"}, {"symbol": "A", "venue": "v", "unheard": 1}])
def test_missing_and_unknown_arguments(impl: ModuleType, name: str, given: dict[str, object]) -> None:
    with pytest.raises(TypeError, match=rf"^{name}\.__init__\(\) (missing \d+ required|got an unexpected) keyword"):
        getattr(impl, name)(**given, **(LEAST[name] if len(given) == 3 else {}))


@pytest.mark.parametrize("name", LEAST)
def test_positional_arguments_are_refused(impl: ModuleType, name: str) -> None:
    with pytest.raises(TypeError, match=rf"^{name}\.__init__\(\) takes 1 positional argument but 3 were given$"):
        getattr(impl, name)("A", "v")


@pytest.mark.parametrize("name", ["Trade", "Liquidation"])
def test_side_decides_its_flag_bits(impl: ModuleType, name: str) -> None:
    noise = record.SIDE | record.SIDELESS | record.MORE
    for side, bits in (("buy", 0), ("sell", record.SIDE), (None, record.SIDELESS)):
        event = example(impl, name, side=side, flags=noise | record.INEXACT)
        assert (event.side, event.flags) == (side, bits | record.INEXACT)


def test_buyer_is_maker_when_the_taker_sold(impl: ModuleType) -> None:
    for side, maker in (("buy", False), ("sell", True), (None, None)):
        trade = example(impl, "Trade", side=side)
        assert trade.buyer_is_maker is maker
        assert trade["buyer_is_maker"] is maker


def test_closed_decides_its_flag_bit(impl: ModuleType) -> None:
    assert example(impl, "Bar", closed=True).flags == record.CLOSED
    assert example(impl, "Bar", closed=False, flags=record.CLOSED | record.LAST).flags == record.LAST


@pytest.mark.parametrize("name", ["BookDelta", "BookSnapshot"])
def test_books(impl: ModuleType, name: str) -> None:
    event = example(impl, name, seq=2**64 - 1, bids=[(1, 2), [3.5, 4]], asks=iter([(9, 0)]))
    assert event.bids == ((1.0, 2.0), (3.5, 4.0))
    assert event.asks == ((9.0, 0.0),)
    assert event.last_seq == event["last_seq"] == 2**64 - 1
    assert event.bids == event.bids
    assert event != example(impl, name, seq=2**64 - 1, bids=[(1, 2), (3.5, 5)], asks=[(9, 0)])


def test_partial_is_a_flag(impl: ModuleType) -> None:
    assert example(impl, "BookSnapshot", flags=record.PARTIAL).partial is True
    assert example(impl, "BookSnapshot").partial is False


def test_absent_values_read_none(impl: ModuleType) -> None:
    nan = float("nan")
    mark = example(impl, "MarkPrice", index_price=nan, next_funding_ns=-1)
    assert (mark.index_price, mark.next_funding_ns) == (None, None)
    assert example(impl, "Trade", trade_id=-1).trade_id is None
    assert example(impl, "Ticker", trades=-1, high=nan) == example(impl, "Ticker", trades=None, high=None)


@pytest.mark.parametrize("interval", record.INTERVALS)
def test_every_interval_has_its_name(impl: ModuleType, interval: str) -> None:
    assert example(impl, "Bar", interval=interval).interval == interval


@pytest.mark.parametrize("status", ["ack", "error", "notice", "unknown"])
def test_every_status_has_its_name(impl: ModuleType, status: str) -> None:
    assert example(impl, "Control", status=status).status == status


def test_no_two_living_events_share_memory(impl: ModuleType) -> None:
    """Memory of dropped events is used again: for one event each."""
    chance, living = random.Random(5), []
    for number in range(5_000):
        name = chance.choice(list(LEAST))
        event = getattr(impl, name)(symbol=f"S{number}", venue="v", event_ns=number << 20, seq=number, **LEAST[name])
        living.append((number, name, event))
        del event
        if number % 1_000 > 500:
            for _ in range(2):
                old, kind, event = living.pop(chance.randrange(len(living)))
                assert (event.symbol, event.event_ns, event.seq) == (f"S{old}", old << 20, old)
                assert {field: getattr(event, field) for field in LEAST[kind]} == LEAST[kind]
                del event
    assert len({id(event) for _, _, event in living}) == len(living)
