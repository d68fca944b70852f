"""Which action comes when, on invented time."""

from __future__ import annotations

from tradewire.streaming.ladder import Ladder, Rung


def test_rungs_come_in_order_each_after_its_time() -> None:
    ladder = Ladder((Rung.RESUBSCRIBE, Rung.RECONNECT, Rung.ALERT), 10, 100)
    taken = {now: rung for now in range(100, 240) if (rung := ladder.next(now)) is not None}
    assert taken == {
        100: Rung.RESUBSCRIBE,
        110: Rung.RECONNECT,
        120: Rung.ALERT,
    }


def test_after_the_alert_it_reconnects_now_and_then_for_ever() -> None:
    ladder = Ladder((Rung.ALERT,), 10, 0)
    taken = [(now, rung) for now in range(500) if (rung := ladder.next(now)) is not None]
    assert taken == [(0, Rung.ALERT), *((now, Rung.RECONNECT) for now in (120, 240, 360, 480))]
    assert ladder.taken == [rung for _, rung in taken]


def test_a_rung_gets_back_the_time_that_it_could_not_use() -> None:
    ladder = Ladder((Rung.RESUBSCRIBE, Rung.RECONNECT), 10, 0)
    assert ladder.next(0) is Rung.RESUBSCRIBE
    ladder.postpone(5)
    assert ladder.next(14) is None
    assert ladder.next(15) is Rung.RECONNECT


RUNGS = (Rung.RESUBSCRIBE, Rung.RESNAPSHOT, Rung.RECONNECT, Rung.ALERT)


def test_a_connection_opened_for_another_feed_is_the_reconnect() -> None:
    ladder = Ladder(RUNGS, 10, 0)
    assert ladder.next(0) is Rung.RESUBSCRIBE
    assert ladder.reconnected(4)
    assert not ladder.is_due(13)
    assert ladder.next(13) is None, "the new connection has its time"
    assert ladder.next(14) is Rung.ALERT
    assert ladder.taken == [Rung.RESUBSCRIBE, Rung.ALERT]


def test_it_waits_as_long_as_it_is_told() -> None:
    ladder = Ladder(RUNGS, 10, 0)
    assert ladder.next(0) is Rung.RESUBSCRIBE
    ladder.wait_until(5)
    ladder.wait_until(30)
    assert ladder.next(29) is None
    assert ladder.next(30) is Rung.RESNAPSHOT


def test_a_connection_older_than_the_last_rung_proves_nothing() -> None:
    ladder = Ladder(RUNGS, 10, 5)
    assert ladder.next(5) is Rung.RESUBSCRIBE
    assert not ladder.reconnected(5)
    assert ladder.next(15) is Rung.RESNAPSHOT


def test_a_connection_that_does_not_hold_does_not_keep_the_alert_away() -> None:
    ladder = Ladder(RUNGS, 10, 0)
    taken = []
    for now in range(100):
        ladder.reconnected(now // 3 * 3)
        if (rung := ladder.next(now)) is not None:
            taken.append((now, rung))
    assert taken == [(0, Rung.RESUBSCRIBE), (13, Rung.ALERT)]


def test_after_the_alert_every_new_connection_is_the_reconnect() -> None:
    ladder = Ladder((Rung.RECONNECT, Rung.ALERT), 10, 0)
    assert [now for now in range(100) if ladder.next(now) is not None] == [0, 10]
    for opened in (129, 248, 300):
        assert ladder.reconnected(opened)
        assert not ladder.reconnected(opened), "the same one"
        assert not ladder.is_due(opened + 119)
    assert ladder.next(420) is Rung.RECONNECT
