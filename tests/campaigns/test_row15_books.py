"""Random book streams with faults against an oracle that knows every update: no mismatch while live, no hole unseen.

The oracle decides by position in the stream, never by comparing update ids, so it shares no rule with the book.
`make campaigns` runs 10,000 streams.
"""

from __future__ import annotations

import random
from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np

import made_batches
from tradewire.core import IMPLEMENTATION, BookSet, Kind, SequenceRule, SymbolTable

if TYPE_CHECKING:
    from campaign import Campaign

STREAMS = 400 if IMPLEMENTATION == "native" else 60
TICKS = 16
Levels = dict[float, float]


@dataclass
class Delta:
    """One delta as the venue sends it, and the whole book behind it."""

    first: int
    last: int
    prev: int
    bids: Levels = field(default_factory=dict)
    asks: Levels = field(default_factory=dict)


class Venue:
    """A book that changes one level per update id, cut into deltas. Keeps the state behind every id."""

    def __init__(self, choose: random.Random, jumps: bool) -> None:
        self.choose = choose
        self.jumps = jumps
        self.seq = choose.randrange(1, 1000)
        self.bids: Levels = {}
        self.asks: Levels = {}
        #: After each id: bids, asks, and the index of the delta that holds the id.
        self.history: dict[int, tuple[Levels, Levels, int]] = {}
        self.deltas: list[Delta] = []

    def step(self) -> Delta:
        """Changes one to three levels and sends them as one delta."""
        prev = self.deltas[-1].last if self.deltas else self.seq
        delta = Delta(self._next_id(), 0, prev)
        for at in range(self.choose.randint(1, 3)):
            if at:
                self._next_id()
            side, sent = self.choose.choice([(self.bids, delta.bids), (self.asks, delta.asks)])
            price = self.choose.randint(1, TICKS) / 8 + (100 if side is self.asks else 0)
            quantity = self.choose.choice([0.0, 0.0, 1.0, 2.5, 7.0])
            sent[price] = quantity
            side[price] = quantity
            if not quantity:
                del side[price]
            self.history[self.seq] = (dict(self.bids), dict(self.asks), len(self.deltas))
        delta.last = self.seq
        self.deltas.append(delta)
        return delta

    def _next_id(self) -> int:
        self.seq += self.choose.choice([1, 1, 7]) if self.jumps else 1
        return self.seq


class Oracle:
    """What the book must say, by index of the deltas received."""

    def __init__(self, venue: Venue, rule: SequenceRule) -> None:
        self.venue = venue
        self.rule = rule
        self.reset()

    def reset(self) -> None:
        self.live = False
        self.next: int | None = None  # index of the delta that must come next
        self.joined = False
        self.waiting: list[int] = []

    def delta(self, index: int) -> str:
        if not self.live:
            self.waiting = [*self.waiting, index][-self.rule.buffer :]
            return "buffered"
        assert self.next is not None
        if index < self.next:
            return "stale"
        if index > self.next:
            outcome = "gap" if self.joined else "need_snapshot"
            self.live, self.waiting = False, [index]
            return outcome
        self.next, self.joined = index + 1, True
        return "applied"

    def snapshot(self, seq: int) -> str:
        holder = self.venue.history[seq][2]
        is_last_of_delta = seq == self.venue.deltas[holder].last
        # USD-M joins at the delta that holds the id; Spot at the one that holds the id after it.
        self.next = holder + 1 if is_last_of_delta and self.rule.first == "straddle_next" else holder
        self.live, self.joined = True, False
        waiting, self.waiting = self.waiting, []
        for at, index in enumerate(waiting):
            outcome = self.delta(index)
            if outcome in ("gap", "need_snapshot"):
                self.waiting += waiting[at + 1 :]
                return outcome
        return "applied"


class Feed:
    """One symbol: a venue, a connection that loses, repeats, reorders and breaks, and a client that asks for snapshots
    when it must (and sometimes when it need not), which come late and may be old."""

    def __init__(self, symbol: int, rule: SequenceRule, choose: random.Random) -> None:
        self.symbol = symbol
        self.choose = choose
        self.venue = Venue(choose, jumps=rule.next == "prev_link")
        self.oracle = Oracle(self.venue, rule)
        self.held: int | None = None  # overtaken by the next delta
        self.asked: tuple[int, int] | None = None  # id of the snapshot, deltas until it arrives

    def arrivals(self) -> list[tuple[np.ndarray, str]]:
        """What the venue's next delta makes arrive, with what the book must say to it."""
        self.venue.step()
        index = len(self.venue.deltas) - 1
        arriving = [index]
        fate = self.choose.random()
        if fate < 0.04:
            arriving = []
        elif fate < 0.08:
            arriving = [index, max(0, index - self.choose.choice([0, 0, 1, 5]))]
        elif fate < 0.11 and self.held is None:
            self.held, arriving = index, []
        if self.held not in (None, index):
            arriving.append(self.held)  # type: ignore[arg-type]
            self.held = None
        out = [(self._delta(at), self.oracle.delta(at)) for at in arriving]
        return out + self._snapshots()

    def _snapshots(self) -> list[tuple[np.ndarray, str]]:
        if self.asked is None:
            if not self.oracle.live or self.choose.random() < 0.02:
                ids = sorted(self.venue.history)
                self.asked = self.choose.choice(ids[-8:]), self.choose.randrange(4)
            return []
        seq, left = self.asked
        if left:
            self.asked = seq, left - 1
            return []
        self.asked = None
        bids, asks, _ = self.venue.history[seq]
        made = self._message(Kind.BOOK_SNAPSHOT, (-1, -1), bids, asks, seq, 0)
        return [(made, self.oracle.snapshot(seq))]

    def _delta(self, index: int) -> np.ndarray:
        delta = self.venue.deltas[index]
        return self._message(Kind.BOOK_DELTA, (delta.first, delta.prev), delta.bids, delta.asks, delta.last, index)

    def _message(
        self, kind: Kind, links: tuple[int, int], bids: Levels, asks: Levels, seq: int, event_ns: int
    ) -> np.ndarray:
        sides = list(bids.items()), list(asks.items())
        return made_batches.book(kind, links, *sides, symbol=self.symbol, seq=seq, event_ns=event_ns)


RULES = [
    SequenceRule("straddle", "prev_link"),
    SequenceRule("straddle_next", "contiguous"),
    SequenceRule("straddle", "prev_link", buffer=2),
]


def run(seed: int) -> Counter[str]:
    """Two symbols through one set of books; how often each outcome was seen."""
    choose = random.Random(seed)
    rule = choose.choice(RULES)
    symbols = SymbolTable()
    feeds = [Feed(symbols.add("made", name), rule, choose) for name in ("AAA", "BBB")]
    books = BookSet(rule, symbols)
    seen: Counter[str] = Counter()
    for _ in range(30):
        arrived = [
            (feed, *arrival) for _ in range(choose.randint(1, 4)) for feed in feeds for arrival in feed.arrivals()
        ]
        batch = np.concatenate([np.zeros(0, made_batches.record.RECORD), *(message for _, message, _ in arrived)])
        rows = np.cumsum([0, *(len(message) for _, message, _ in arrived)]).tolist()
        expected = [
            (row, feed.symbol, outcome)
            for row, (feed, _, outcome) in zip(rows, arrived, strict=False)
            if outcome not in ("applied", "buffered")
        ]
        changed, incidents = books.apply(batch)
        assert incidents == expected, f"seed {seed}"
        applied = dict.fromkeys(feed.symbol for feed, _, outcome in arrived if outcome == "applied")
        assert changed == [symbol for symbol in applied if feeds[symbol].oracle.live], f"seed {seed}"
        seen.update(outcome for _, _, outcome in arrived)
        for feed in feeds:
            book = books.book(feed.symbol)
            assert (book is not None and book.state == "live") == feed.oracle.live, f"seed {seed}"
            if book is not None and feed.oracle.live:
                bids, asks, _ = feed.venue.history[book.last_seq]
                truth = sorted(bids.items(), reverse=True), sorted(asks.items())
                assert book.levels(99) == truth, f"seed {seed}"
                assert book.best() == tuple(side[0] if side else None for side in truth), f"seed {seed}"
                seen["live"] += 1
            elif book is not None:
                assert (book.levels(99), book.best()) == (([], []), (None, None)), f"seed {seed}"
                seen["syncing"] += 1
            if choose.random() < 0.02:
                books.reset(feed.symbol)
                feed.oracle.reset()
                seen["reset"] += 1
    return seen


def test_random_streams_never_mislead(campaign: Campaign) -> None:
    streams = campaign.size(STREAMS, 10_000)
    seen: Counter[str] = Counter()
    for _ in range(streams // 2):
        seen += run(campaign.random.getrandbits(32))
    for situation in ("applied", "buffered", "stale", "gap", "need_snapshot", "live", "syncing", "reset"):
        assert seen[situation] >= 20, seen
    campaign.passed(
        15, streams, f"{streams:,} random streams, {seen['live']:,} looks at live books: 0 mismatches, 0 holes unseen"
    )
