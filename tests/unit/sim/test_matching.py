"""Price-time priority, against a list of orders that is searched from end to end."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from tradewire.sim.matching import BUY, SELL, LimitOrderBook


class NaiveBook:
    """Orders in order of arrival: [id, side, price, lots]."""

    def __init__(self) -> None:
        self.orders: list[list[int]] = []

    def submit(self, order_id: int, side: int, price: int, lots: int, rest: bool) -> list[tuple[int, int]]:
        fills = []
        while lots:
            makers = [o for o in self.orders if o[1] == -side and side * o[2] <= side * price]
            if not makers:
                break
            maker = min(makers, key=lambda o: side * o[2])  # the first of equals: the oldest
            done = min(lots, maker[3])
            fills.append((maker[2], done))
            maker[3] -= done
            lots -= done
            if not maker[3]:
                self.orders.remove(maker)
        if lots and rest:
            self.orders.append([order_id, side, price, lots])
        return fills

    def cancel(self, order_id: int) -> bool:
        found = [o for o in self.orders if o[0] == order_id]
        for order in found:
            self.orders.remove(order)
        return bool(found)

    def levels(self, side: int) -> list[tuple[int, int]]:
        totals: dict[int, int] = {}
        for _, own, price, lots in self.orders:
            if own == side:
                totals[price] = totals.get(price, 0) + lots
        return sorted(totals.items(), key=lambda level: -side * level[0])


ORDER = st.tuples(st.sampled_from([BUY, SELL]), st.integers(95, 105), st.integers(1, 9), st.booleans())
CANCEL = st.integers(0, 60)


@given(st.lists(ORDER | CANCEL, max_size=60))
def test_equals_the_naive_book(steps: list[tuple[int, int, int, bool] | int]) -> None:
    book, naive = LimitOrderBook(), NaiveBook()
    for order_id, step in enumerate(steps):
        before = dict(book.totals)
        book.changed = set()
        if isinstance(step, int):
            assert book.cancel(step) is naive.cancel(step)
        else:
            side, price, lots, rest = step
            assert book.submit(order_id, side, price, lots, rest=rest) == naive.submit(
                order_id, side, price, lots, rest
            )
        for side in (BUY, SELL):
            assert book.top(side, 100) == naive.levels(side)
        assert len(book) == len(naive.orders)
        different = {key for key in before.keys() | book.totals if before.get(key) != book.totals.get(key)}
        assert different <= book.changed


def test_oldest_order_of_a_level_is_hit_first() -> None:
    book = LimitOrderBook()
    book.submit(1, SELL, 100, 5)
    book.submit(2, SELL, 100, 7)
    assert book.submit(3, BUY, 100, 6) == [(100, 5), (100, 1)]
    assert not book.cancel(1)
    assert book.newest(-100) == 2
    assert book.cancel(2)
    assert book.top(SELL, 5) == []


def test_an_order_that_may_not_rest_leaves_nothing() -> None:
    book = LimitOrderBook()
    assert book.submit(1, BUY, 100, 5, rest=False) == []
    assert len(book) == 0
