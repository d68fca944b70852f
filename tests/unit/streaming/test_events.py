"""Status events are plain immutable data."""

from __future__ import annotations

import dataclasses

import pytest

from tradewire.streaming import events


@pytest.mark.parametrize("name", [name for name in events.__all__ if dataclasses.is_dataclass(getattr(events, name))])
def test_they_are_frozen_small_and_addressed(name: str) -> None:
    event_class = getattr(events, name)
    assert event_class.__dataclass_params__.frozen
    assert "__slots__" in vars(event_class)
    assert hasattr(event_class, "symbol"), "queues route by symbol"
    assert hasattr(event_class, "venue")


def test_states_print_as_words() -> None:
    assert f"{events.FeedState.LIVE} {events.ConnectionState.CONNECTED}" == "live connected"


def test_a_book_update_does_not_print_the_whole_book() -> None:
    update = events.BookUpdate("binance", "BTCUSDT", 1, 2, 3, (1.0, 2.0), None, book=object())  # type: ignore[arg-type]
    assert "object" not in repr(update)
