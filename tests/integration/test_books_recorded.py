"""Recorded frames through decoder, ring, books and trackers: end states, and injected faults found where they are.

Of real venues where they are found, and always of the simulator. The comparison is a rebuild of its own: plain `json`,
dicts of Decimal, the rules of the venue sheet written out.
"""

from __future__ import annotations

import json
import random
from bisect import bisect_right
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from decimal import Decimal
from itertools import islice
from typing import Any

import numpy as np
import pytest

import recordings
from rebuilt_book import Rebuilt
from tradewire.core import (
    IMPLEMENTATION,
    RECORD,
    BookSet,
    Decoder,
    Kind,
    OrderBook,
    Ring,
    SequenceTracker,
    SymbolTable,
)
from tradewire.core.plan import FieldPlan, SequenceRule
from tradewire.errors import DecodeError
from tradewire.venues.binance import SPOT_BOOK_RULE, SPOT_MARKET_DATA, USDM_BOOK_RULE, USDM_MARKET_DATA

pytestmark = pytest.mark.timeout(300)

#: Stream of the REST snapshots inside the recordings, which name no symbol.
SNAPSHOT_STREAM = "btcusdt@depth"
CONTINUITY = {Kind.TRADE: "contiguous", Kind.QUOTE: "increasing"}
IS_NATIVE = IMPLEMENTATION == "native"


@dataclass
class Golden:
    """What the README of the recorded data says, or the simulator about its own book."""

    frames: int
    diffs: int
    stale: int
    last_seq: int
    sizes: tuple[int, int]
    best: tuple[float, float]
    digest: str
    trades: int
    traded: Decimal


@dataclass
class Recording:
    name: str
    plan: FieldPlan
    rule: SequenceRule
    golden: Golden
    frames: Callable[[], Iterator[tuple[int, bytes]]]
    whole: bool = IS_NATIVE


def single_trades() -> Iterator[tuple[int, bytes]]:
    """The synthetic recording without aggregated trades, whose numbers are a sequence of their own."""
    return (line for line in recordings.synthetic() if b"@aggTrade" not in line[1][:60])


def synthetic_golden() -> Golden:
    made = recordings.synthetic_golden()
    counts, book = made["counts"], made["book"]
    return Golden(
        made["lines"] - counts["aggTrade"],
        counts["depth@100ms"],
        made["stale_dropped"],
        book["last_u"],
        (book["bids"], book["asks"]),
        (float(book["best_bid"][0]), float(book["best_ask"][0])),
        book["hash"],
        made["trades"]["count"],
        Decimal(made["trades"]["quantity"]),
    )


USDM = Recording(
    "usdm",
    USDM_MARKET_DATA,
    USDM_BOOK_RULE,
    Golden(
        93_954,
        6_551,
        4,
        5123135475514,
        (5018, 4578),
        (61659.7, 61659.8),
        "921229b19ef6498b",
        21_313,
        Decimal("2429.366"),
    ),
    recordings.usdm,
)
SPOT = Recording(
    "spot",
    SPOT_MARKET_DATA,
    SPOT_BOOK_RULE,
    Golden(
        41_249,
        3_451,
        2,
        50093421584,
        (1209, 2196),
        (61685.99, 61686.0),
        "a643ec6dd820a9de",
        9_757,
        Decimal("212.03315"),
    ),
    recordings.spot,
)
SYNTHETIC = Recording("synthetic", USDM_MARKET_DATA, USDM_BOOK_RULE, synthetic_golden(), single_trades, whole=True)
EACH = pytest.mark.parametrize(
    "recording",
    [
        pytest.param(USDM, id="usdm", marks=recordings.needed),
        pytest.param(SPOT, id="spot", marks=recordings.needed),
        pytest.param(SYNTHETIC, id="synthetic"),
    ],
)


class Path:
    """The path of live frames: decoder, ring, books and trackers."""

    def __init__(self, plan: FieldPlan, rule: SequenceRule) -> None:
        symbols = SymbolTable()
        self.decoder = Decoder(plan, symbols, learn=True)
        self.ring = Ring(1 << 18)
        self.books = BookSet(rule, symbols)
        self.tracker = SequenceTracker(CONTINUITY)  # type: ignore[arg-type]

    def decode(self, frame: bytes, received: int) -> np.ndarray:
        self.decoder.decode_into(frame, received, self.ring, SNAPSHOT_STREAM)
        return self.ring.drain(1 << 18)

    def apply(self, batch: np.ndarray) -> list[tuple[int, str]]:
        """(row, outcome) of everything that was not as expected."""
        _, incidents = self.books.apply(batch)
        unexpected = self.tracker.apply(batch)
        return sorted(
            [(row, outcome) for row, _, outcome in incidents] + [(row, outcome) for row, outcome, _ in unexpected]
        )


def groups(frames: Iterable[tuple[int, bytes]], size: int) -> Iterator[list[tuple[int, bytes]]]:
    frames = iter(frames)
    while group := list(islice(frames, size)):
        yield group


@EACH
def test_a_recorded_book_is_continuous_and_equal_to_its_rebuild(recording: Recording) -> None:
    """The whole recording on the native core; on the pure one the beginning of a long one."""
    path, rebuilt = Path(recording.plan, recording.rule), Rebuilt(linked=recording.rule.next == "prev_link")
    frames = recording.frames() if recording.whole else islice(recording.frames(), 3_000)
    golden = recording.golden
    count, trades, traded, outcomes = 0, 0, Decimal(0), []
    for number, group in enumerate(groups(frames, 1_000)):
        for received, frame in group:
            path.decoder.decode_into(frame, received, path.ring, SNAPSHOT_STREAM)
            data = rebuilt.frame(frame)
            if data.get("e") == "trade":
                trades += 1
                traded += Decimal(data["q"])
        count += len(group)
        outcomes += [outcome for _, outcome in path.apply(path.ring.drain(1 << 18))]
        book = path.books.book(0)
        assert book is not None
        assert (book.state, book.last_seq) == ("live", rebuilt.last_seq)
        if number % 10 == 0:
            assert book.levels(10_000) == rebuilt.levels()
    assert set(outcomes) <= {"stale"}
    assert len(outcomes) <= golden.stale == rebuilt.stale
    assert book.digest() == rebuilt.digest()
    if recording.whole:
        bids, asks = book.levels(10_000)
        (bid, _), (ask, _) = book.best()  # type: ignore[misc]
        sizes = len(bids), len(asks)
        reached = Golden(
            count, rebuilt.diffs, rebuilt.stale, book.last_seq, sizes, (bid, ask), book.digest(), trades, traded
        )
        assert reached == golden


GOLDEN_2021 = {
    "SUSHIUSDT": (252, 600860425198, (1006, 1000), ((7.6120, 303.0), (7.6160, 267.0)), "cc0800755b5ae35f"),
    "AKROUSDT": (188, 600860423964, (613, 761), ((0.01734, 502.0), (0.01735, 50697.0)), "9fc8d4e7071de319"),
    "KEEPUSDT": (132, 600860420312, (401, 614), ((0.2463, 249.0), (0.2467, 9047.0)), "0314011d0324d831"),
    "CTKUSDT": (180, 600860423222, (486, 742), ((1.01100, 1698.0), (1.01200, 10123.0)), "779c8fc5341d9ea4"),
}


@recordings.needed
@pytest.mark.parametrize("snapshots", ["first", "as received"])
def test_the_cryptofeed_capture_reaches_its_golden_end_states(snapshots: str) -> None:
    decoder = Decoder(USDM_MARKET_DATA, list(GOLDEN_2021))
    inputs: list[tuple[int, bytes, str | None]] = [(at, frame, None) for at, frame in recordings.cryptofeed_frames()]
    rest = [(at, data, f"{symbol.lower()}@depth") for symbol, at, data in recordings.cryptofeed_snapshots()]
    inputs = [*rest, *inputs] if snapshots == "first" else sorted(rest + inputs, key=lambda item: item[0])
    events = [event for at, data, stream in inputs for event in decoder.decode(data, at, stream)]
    quotes: dict[str, list[Any]] = {symbol: [] for symbol in GOLDEN_2021}
    for event in events:
        if type(event).__name__ == "Quote":
            quotes[event.symbol].append(event)
    books = {symbol: OrderBook(USDM_BOOK_RULE, symbol=symbol) for symbol in GOLDEN_2021}
    outcomes: dict[str, list[str]] = {symbol: [] for symbol in GOLDEN_2021}
    agreements = 0
    for event in events:
        book = books.get(event.symbol)
        if type(event).__name__ == "BookSnapshot":
            assert book is not None
            assert book.apply_snapshot(event.bids, event.asks, event.last_seq, event.event_ns) == "applied"
        elif type(event).__name__ == "BookDelta":
            assert book is not None
            outcomes[event.symbol].append(book.apply(event))
            before = bisect_right(quotes[event.symbol], event.last_seq, key=lambda quote: quote.seq)
            if outcomes[event.symbol][-1] == "applied" and before:
                quote = quotes[event.symbol][before - 1]
                bid, ask = (quote.bid_price, quote.bid_quantity), (quote.ask_price, quote.ask_quantity)
                agreements += book.best() == (bid, ask)
    counts = Counter(outcome for given in outcomes.values() for outcome in given)
    if snapshots == "first":
        assert counts == {"applied": 752, "stale": 12}
        assert agreements == 744
    else:
        assert set(counts) <= {"applied", "stale", "buffered"}
        assert sum(counts.values()) == 764
    for symbol, (applied, last_seq, sizes, best, digest) in GOLDEN_2021.items():
        book = books[symbol]
        bids, asks = book.levels(2000)
        assert (book.last_seq, (len(bids), len(asks)), book.best(), book.digest()) == (last_seq, sizes, best, digest)
        if snapshots == "first":
            assert outcomes[symbol].count("applied") == applied


@dataclass
class Decoded:
    """A recording's beginning, decoded line by line."""

    recording: Recording
    streams: list[str]
    frames: list[bytes]
    batches: list[bytes]

    def flagged(self, lines: list[int], batches: dict[int, bytes] | None = None) -> list[tuple[int, str]]:
        """(position in `lines`, outcome) of everything not as expected when these lines arrive in this order."""
        taken = [(batches or {}).get(at, self.batches[at]) for at in lines]
        starts = np.cumsum([0, *(len(batch) // RECORD.itemsize for batch in taken)])
        path = Path(self.recording.plan, self.recording.rule)
        path.decoder.symbols.add("binance", "BTCUSDT")
        found = path.apply(np.frombuffer(b"".join(taken), RECORD))
        return [(int(np.searchsorted(starts, row, side="right")) - 1, outcome) for row, outcome in found]


def decoded(recording: Recording) -> Decoded:
    path = Path(recording.plan, recording.rule)
    streams, frames, batches = [], [], []
    for received, frame in islice(recording.frames(), 4_000 if IS_NATIVE else 600):
        streams.append(json.loads(frame).get("stream", "snapshot"))
        frames.append(frame)
        batches.append(path.decode(frame, received).tobytes())
    return Decoded(recording, streams, frames, batches)


#: Streams whose messages are numbered; of the others, a lost message cannot be seen.
NUMBERED = {"depth": "diff", "bookTicker": "quote", "trade": "trade", "aggTrade": "trade"}


def kind_of(stream: str) -> str | None:
    return NUMBERED.get(stream.partition("@")[2].partition("@")[0])


@EACH
def test_injected_faults_are_flagged_where_they_are(recording: Recording) -> None:
    start = decoded(recording)
    lines = list(range(len(start.frames)))
    clean = start.flagged(lines)
    assert {outcome for _, outcome in clean} <= {"stale"}
    first = start.streams.index("snapshot") + 50
    choose = random.Random(f"{recording.name} faults")

    def following(at: int) -> int:
        """The next line of the same stream."""
        return next(line for line in lines[at + 1 :] if start.streams[line] == start.streams[at])

    def news(order: list[int], batches: dict[int, bytes] | None = None) -> list[tuple[int, str]]:
        """What was flagged anew, by recorded line."""
        return [(order[position], outcome) for position, outcome in start.flagged(order, batches)][len(clean) :]

    for _ in range(25 if IS_NATIVE else 3):
        for stream in sorted(filter(kind_of, set(start.streams))):
            kind = kind_of(stream)
            places = [line for line in lines[first:] if start.streams[line] == stream][1:-3]
            at = choose.choice(places)
            after = following(at)
            # Dropped: the next one of the stream shows it; a quote cannot.
            dropped = news([line for line in lines if line != at])
            assert dropped == ([] if kind == "quote" else [(after, "gap")])
            # Again, at once or a little later in its stream.
            for where in (at, after):
                again = [*lines[: where + 1], at, *lines[where + 1 :]]
                what = "stale" if kind == "diff" else "duplicate"
                what = "reordered" if kind != "diff" and where == after else what
                assert news(again) == [(at, what)]
            # Changed places with the next one of its stream.
            swapped = lines.copy()
            swapped[at], swapped[after] = after, at
            expected = {
                "diff": [(after, "gap")],
                "trade": [(after, "gap"), (at, "reordered")],
                "quote": [(at, "reordered")],
            }[str(kind)]
            assert news(swapped) == expected
            # Truncated: one decode error, and what a dropped one gives.
            path = Path(recording.plan, recording.rule)
            with pytest.raises(DecodeError):
                path.decode(start.frames[at][: choose.randrange(1, len(start.frames[at]))], 1)
            counters = path.decoder.counters
            assert (counters["messages"], counters["syntax"]) == (0, 1)
            assert news(lines, {at: path.ring.drain(1).tobytes()}) == dropped
        # Neighbours of different streams may change places unseen.
        pairs = [line for line in lines[first:-1] if start.streams[line] != start.streams[line + 1]]
        at = choose.choice(pairs)
        swapped = lines.copy()
        swapped[at], swapped[at + 1] = at + 1, at
        assert news(swapped) == []
