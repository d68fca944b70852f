"""The synthetic recording is what its script makes, and an independent reading of it ends in its golden state."""

from __future__ import annotations

import gzip
import hashlib
import importlib.util
import itertools
import json
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

DATA = Path(__file__).resolve().parents[1] / "data"
TEXT = gzip.decompress((DATA / "synthetic_usdm.txt.gz").read_bytes()).decode()
GOLDEN: dict[str, Any] = json.loads((DATA / "synthetic_usdm.json").read_text(encoding="utf-8"))


@pytest.fixture(scope="module")
def frames() -> list[Any]:
    return [json.loads(line.partition(" ")[2]) for line in TEXT.splitlines()]


def test_script_makes_it_again() -> None:
    spec = importlib.util.spec_from_file_location("make_synthetic", DATA / "make_synthetic.py")
    assert spec is not None
    assert spec.loader is not None
    script = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(script)
    text, golden = script.make()
    assert text == TEXT
    assert golden == GOLDEN


def test_receive_times_never_step_back(frames: list[Any]) -> None:
    times = [int(line.partition(" ")[0]) for line in TEXT.splitlines()]
    assert times == sorted(times)
    assert len(times) == len(frames) == GOLDEN["lines"]


def test_book_by_the_steps_of_the_sheet(frames: list[Any]) -> None:
    snapshot = next(frame for frame in frames if "lastUpdateId" in frame)
    changes = [frame["data"] for frame in frames if frame.get("stream") == "btcusdt@depth@100ms"]
    last = snapshot["lastUpdateId"]
    applied = [item for item in changes if item["u"] >= last]
    assert len(changes) - len(applied) == GOLDEN["stale_dropped"] > 0
    assert applied[0]["U"] <= last <= applied[0]["u"]
    assert all(after["pu"] == before["u"] for before, after in itertools.pairwise(changes))
    book = {side: {Decimal(p): Decimal(q) for p, q in snapshot[name]} for side, name in (("b", "bids"), ("a", "asks"))}
    for item in applied:
        for side, levels in book.items():
            levels.update({Decimal(price): Decimal(quantity) for price, quantity in item[side]})
            for price in [price for price, quantity in levels.items() if not quantity]:
                del levels[price]
    lines = [
        f"{letter} {price.normalize():f} {book[side][price].normalize():f}"
        for letter, side in (("B", "b"), ("A", "a"))
        for price in sorted(book[side], reverse=side == "b")
    ]
    golden = GOLDEN["book"]
    assert applied[-1]["u"] == golden["last_u"]
    assert (len(book["b"]), len(book["a"])) == (golden["bids"], golden["asks"])
    assert hashlib.sha256("\n".join(lines).encode()).hexdigest()[:16] == golden["hash"]


def test_trades_have_no_hole(frames: list[Any]) -> None:
    trades = [frame["data"] for frame in frames if frame.get("stream") == "btcusdt@trade"]
    golden = GOLDEN["trades"]
    assert [trade["t"] for trade in trades] == list(range(golden["first_id"], golden["last_id"] + 1))
    assert str(sum(Decimal(trade["q"]) for trade in trades)) == golden["quantity"]
