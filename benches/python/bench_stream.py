"""Socket bytes to ring to drain, and the ring between a native writer thread and a Python reader."""

from __future__ import annotations

import gzip
import os
import threading
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest
from measuring import Measure

from tradewire.core import RECORD
from tradewire.venues.binance import USDM_MARKET_DATA

READ = 65_536
DATA = Path(os.environ.get("TRADEWIRE_DATA", Path(__file__).resolve().parents[3] / "shared" / "data"))
RECORDING = DATA / "binance_usdm_btcusdt_20240808.gz"


def _payloads() -> list[bytes]:
    with gzip.open(RECORDING) as file:
        lines = (line.rstrip(b"\n").split(b" ", 1)[1] for line in file)
        return [line for line in lines if line.startswith(b'{"stream"')]


def _frame(payload: bytes) -> bytes:
    if len(payload) < 126:
        return b"\x81" + bytes([len(payload)]) + payload
    if len(payload) < 65_536:
        return b"\x81\x7e" + len(payload).to_bytes(2, "big") + payload
    return b"\x81\x7f" + len(payload).to_bytes(8, "big") + payload


@pytest.mark.skipif(not RECORDING.exists(), reason="needs the recorded data")
def test_recording(impl: ModuleType, measure: Measure) -> None:
    """Raw socket bytes of the recording in 64 KiB reads to the ring, drained by the same thread."""
    payloads = _payloads()
    if impl.PROFILE == "pure":
        payloads = payloads[:500]
    stream = b"".join(map(_frame, payloads))
    chunks = [stream[start : start + READ] for start in range(0, len(stream), READ)]
    ring = impl.Ring(131_072)
    decoder = impl.Decoder(USDM_MARKET_DATA, symbols=["BTCUSDT"])

    def work() -> int:
        reader = impl.WireReader(decoder, ring)
        messages = 0
        for chunk in chunks:
            size = len(chunk)
            buffer = reader.get_buffer()
            buffer[:size] = chunk
            result = reader.buffer_updated(size, 1)
            messages += result.messages
            assert not result.full
            ring.drain(131_072)
        return messages

    assert work() == len(payloads)
    measure(work, len(payloads))


def test_writer_thread(impl: ModuleType, measure: Measure, request: pytest.FixtureRequest) -> None:
    """A native writer thread pushes, this thread drains batches of 4,096 records."""
    total = 4_000_000 if impl.PROFILE != "pure" else 50_000
    if hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, set(range(os.cpu_count() or 1)))
        request.addfinalizer(lambda: os.sched_setaffinity(0, {0}))
    ring = impl.Ring(65_536)
    block = np.zeros(total, RECORD)
    block["kind"] = 1
    block["seq"] = np.arange(total)

    def write() -> None:
        done = 0
        while done < total:
            done += ring.push(block[done:])

    def work() -> int:
        writer = threading.Thread(target=write)
        writer.start()
        seen = 0
        while seen < total:
            batch = ring.drain(4096)
            if len(batch):
                assert batch["seq"][0] == seen
                seen += len(batch)
        writer.join()
        return seen

    assert work() == total
    measure(work, total)


def test_drain(impl: ModuleType, measure: Measure) -> None:
    """Drain alone: push and drain of 4,096 records, in one thread (both copies are in the figure)."""
    ring = impl.Ring(8192)
    block = np.zeros(4096, RECORD)
    block["kind"] = 1

    def work() -> None:
        ring.push(block)
        ring.drain(4096)

    measure(work, 4096)
