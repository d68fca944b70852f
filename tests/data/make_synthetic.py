"""Writes `synthetic_usdm.txt.gz` and its golden end state from the simulated market on a clock of its own.

    python tests/data/make_synthetic.py [folder]

Same format as the recordings of real venues: `<receive ns> <frame>` lines of combined-stream frames, one REST depth
snapshot inline. The golden state comes from the simulator's own order book, not from reading the frames back.
The result depends on the seed alone; a test makes it again and compares.
"""

from __future__ import annotations

import gzip
import hashlib
import json
import sys
from decimal import Decimal
from pathlib import Path

from tradewire.sim import binance_messages as messages
from tradewire.sim.binance_feed import Feed
from tradewire.sim.instruments import Instrument, instrument
from tradewire.sim.market import Pit
from tradewire.sim.matching import BUY, SELL

SEED = 20_261_007
START_MS = 1_791_382_990_000  # ten seconds before a full minute, so that a bar closes
LENGTH_MS = 25_000
STEP_MS = 4
RATE = 110.0  # trades and quotes a second
SNAPSHOT_AFTER_MS = 400
DELAY_NS = 1_234_567  # from the venue's clock to the receiver's, as a loopback would have it
#: No partial books: a reader would take them for the whole book.
STREAMS = (
    *("trade", "bookTicker", "depth@100ms", "aggTrade", "markPrice@1s"),
    *("kline_1m", "miniTicker", "ticker", "forceOrder"),
)
SYMBOL = "BTCUSDT"


class Recorder:
    """A combined listener whose frames become lines."""

    combined = True

    def __init__(self) -> None:
        self.out: list[bytes] = []
        self.lines: list[str] = []

    def write(self, now_ms: int) -> None:
        """What has come in, with receive times that differ by a microsecond."""
        texts = [frame[{126: 4, 127: 10}.get(frame[1], 2) :].decode() for frame in self.out]
        self.out.clear()
        for index, text in enumerate(texts):
            self.line(now_ms, text, index)

    def line(self, now_ms: int, text: str, index: int = 0) -> None:
        self.lines.append(f"{now_ms * 1_000_000 + DELAY_NS + index * 1_000} {text}")


def _plain(text: str) -> str:
    return format(Decimal(text).normalize(), "f")


def _side(item: Instrument, letter: str, levels: list[tuple[int, int]]) -> list[str]:
    return [f"{letter} {_plain(item.price_text[price])} {_plain(item.quantity_text[lots])}" for price, lots in levels]


def _golden(pit: Pit, book: tuple[list[tuple[int, int]], list[tuple[int, int]]], last_id: int) -> dict[str, object]:
    """Of the book as it was when the last difference was sent."""
    item = pit.instrument
    bids, asks = book
    lines = _side(item, "B", bids) + _side(item, "A", asks)
    return {
        "last_u": last_id,
        "bids": len(bids),
        "asks": len(asks),
        "best_bid": [_plain(item.price_text[bids[0][0]]), _plain(item.quantity_text[bids[0][1]])],
        "best_ask": [_plain(item.price_text[asks[0][0]]), _plain(item.quantity_text[asks[0][1]])],
        "hash": hashlib.sha256("\n".join(lines).encode()).hexdigest()[:16],
    }


def make() -> tuple[str, dict[str, object]]:
    """The recording's text and its golden end state."""
    feed = Feed((instrument(SYMBOL),), seed=SEED, now_ms=START_MS)
    pit = feed.market.pits[SYMBOL]
    recorder = Recorder()
    for name in STREAMS:
        feed.topics[f"{SYMBOL.lower()}@{name}"].add(recorder)
    books = {}
    for elapsed in range(STEP_MS, LENGTH_MS + 1, STEP_MS):
        now_ms = START_MS + elapsed
        feed.advance(now_ms, int(elapsed / 1000 * RATE) - feed.market.messages)
        books[pit.update_id] = (pit.book.top(BUY, 10_000), pit.book.top(SELL, 10_000))
        recorder.write(now_ms)
        if elapsed == SNAPSHOT_AFTER_MS + STEP_MS * 10:  # in the middle of a depth interval
            recorder.line(now_ms, messages.rest_depth(pit, 1_000, now_ms), 900)
    frames = [json.loads(line.partition(" ")[2]) for line in recorder.lines]
    data = [
        (frame.get("stream", "snapshot").partition("@")[2] or "snapshot", frame.get("data", frame)) for frame in frames
    ]
    counts = {name: sum(1 for own, _ in data if own == name) for name in (*STREAMS, "snapshot")}
    snapshot = next(item for name, item in data if name == "snapshot")
    differences = [item for name, item in data if name == "depth@100ms"]
    last_id = differences[-1]["u"]
    trades = [item for name, item in data if name == "trade"]
    golden = {
        "symbol": SYMBOL,
        "lines": len(frames),
        "counts": counts,
        "stale_dropped": sum(1 for item in differences if item["u"] < snapshot["lastUpdateId"]),
        "book": _golden(pit, books[last_id], last_id),
        "trades": {
            "count": len(trades),
            "quantity": str(sum(Decimal(item["q"]) for item in trades)),
            "first_id": trades[0]["t"],
            "last_id": trades[-1]["t"],
        },
    }
    return "".join(line + "\n" for line in recorder.lines), golden


def main() -> None:
    """Write both files."""
    folder = Path(sys.argv[1]) if len(sys.argv) > 1 else Path(__file__).parent
    text, golden = make()
    (folder / "synthetic_usdm.txt.gz").write_bytes(gzip.compress(text.encode(), 9, mtime=0))
    (folder / "synthetic_usdm.json").write_text(json.dumps(golden, indent=2) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
