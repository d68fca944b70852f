"""The ring on both cores: whole messages, exact capacity, one writer and one reader, immutable batches."""

from __future__ import annotations

import threading
from types import ModuleType
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tradewire import core
from tradewire.core.record import MORE, RECORD
from tradewire.errors import StateError

NATIVE, PURE = core.load("native"), core.load("pure")


def messages(lengths: list[int], first_seq: int = 0) -> np.ndarray:
    records = np.zeros(sum(lengths), RECORD)
    records["kind"] = 1
    records["seq"] = np.arange(first_seq, first_seq + len(records))
    records["flags"] = MORE
    if lengths:
        records["flags"][np.cumsum(lengths) - 1] = 0
    return records


def seqs(batch: np.ndarray) -> list[int]:
    return batch["seq"].tolist()


def test_messages_come_out_whole_and_in_order(impl: ModuleType) -> None:
    ring = impl.Ring(8)
    assert ring.push(messages([3, 4, 1])) == 8
    assert len(ring) == ring.capacity == 8
    assert seqs(ring.drain(2)) == [0, 1, 2]
    assert seqs(ring.drain(4)) == [3, 4, 5, 6]
    assert seqs(ring.drain(4)) == [7]
    assert len(ring) == 0


def test_an_empty_ring_gives_an_empty_batch(impl: ModuleType) -> None:
    batch = impl.Ring(1).drain(10)
    assert (batch.dtype, batch.shape, batch.flags.writeable) == (RECORD, (0,), False)


def test_push_writes_whole_messages_while_there_is_room(impl: ModuleType) -> None:
    ring = impl.Ring(5)
    records = messages([2, 2, 2])
    assert ring.push(records) == 4
    assert ring.push(records[4:]) == 0
    assert seqs(ring.drain(2)) == [0, 1]
    assert ring.push(records[4:]) == 2
    assert ring.push(messages([])) == 0
    assert seqs(ring.drain(10)) == [2, 3, 4, 5]


def test_batches_are_immutable_copies(impl: ModuleType) -> None:
    ring = impl.Ring(4)
    records = messages([1])
    ring.push(records)
    records["seq"] = 99
    batch = ring.drain(4)
    ring.push(messages([4], first_seq=50))
    assert seqs(batch) == [0]
    assert batch.dtype is RECORD
    with pytest.raises(ValueError, match="read-only"):
        batch["seq"][0] = 1
    with pytest.raises(ValueError, match="WRITEABLE"):
        batch.setflags(write=True)


@pytest.mark.parametrize(
    ("call", "error"),
    [
        (lambda m: m.Ring(0), ValueError("capacity must be 1..67108864, was 0")),
        (lambda m: m.Ring(2**26 + 1), ValueError("capacity must be 1..67108864, was 67108865")),
        (lambda m: m.Ring(10**30), ValueError(f"capacity must be 1..67108864, was {10**30}")),
        (lambda m: m.Ring("8"), TypeError("capacity must be an integer, was str")),
        (lambda m: m.Ring(1).drain(0), ValueError("limit must be 1..67108864, was 0")),
        (lambda m: m.Ring(1).drain(1.0), TypeError("limit must be an integer, was float")),
        (lambda m: m.Ring(1).push([1]), TypeError("a batch must be a NumPy array, was list")),
        (
            lambda m: m.Ring(1).push(np.zeros(1)),
            ValueError("a batch must have the dtype core.RECORD, had float64"),
        ),
        (
            lambda m: m.Ring(9).push(messages([1] * 4)[::2]),
            ValueError("a batch must be one-dimensional, contiguous and aligned to 8 bytes"),
        ),
        (
            lambda m: m.Ring(9).push(messages([1] * 4).reshape(2, 2)),
            ValueError("a batch must be one-dimensional, contiguous and aligned to 8 bytes"),
        ),
        (
            lambda m: m.Ring(9).push(np.frombuffer(bytes(65), RECORD, offset=1)),
            ValueError("a batch must be one-dimensional, contiguous and aligned to 8 bytes"),
        ),
        (
            lambda m: m.Ring(9).push(messages([2, 2])[:3]),
            ValueError("the last message is incomplete: its last record has the flag MORE"),
        ),
        (
            lambda m: m.Ring(2).push(messages([1, 3, 1])),
            ValueError("a message is longer than the capacity of 2 records"),
        ),
    ],
)
def test_misuse_is_named(impl: ModuleType, call: Any, error: Exception) -> None:
    with pytest.raises(type(error)) as caught:
        call(impl)
    assert (type(caught.value), str(caught.value)) == (type(error), str(error))


def test_a_refused_push_writes_nothing(impl: ModuleType) -> None:
    ring = impl.Ring(2)
    with pytest.raises(ValueError, match="longer than the capacity"):
        ring.push(messages([1, 3]))
    assert len(ring) == 0


def test_a_second_writer_or_reader_is_refused(impl: ModuleType) -> None:
    """Both threads hammer one side until one is refused; the other side's holder is never disturbed."""
    ring = impl.Ring(1 << 15)
    batch = messages([1] * (1 << 15))
    refused = threading.Event()
    texts: set[str] = set()

    def hammer(call: Any) -> None:
        while not refused.is_set():
            try:
                call()
            except StateError as error:
                texts.add(str(error))
                refused.set()

    for side, call in (("writer", lambda: ring.push(batch)), ("reader", lambda: ring.drain(1 << 15))):
        if impl is NATIVE and side == "reader":
            continue  # drain holds the GIL from end to end: a second reader cannot be in it
        refused.clear()
        texts.clear()
        threads = [threading.Thread(target=hammer, args=(call,)) for _ in range(2)]
        for thread in threads:
            thread.start()
        while any(thread.is_alive() for thread in threads):
            if side == "writer":
                ring.drain(1 << 15)
            else:
                ring.push(batch[:64])
        assert texts == {f"the ring has another {side} at this moment; a ring has one writer and one reader"}


def test_two_threads_lose_and_reorder_nothing(impl: ModuleType) -> None:
    total = 1_000_000 if impl is NATIVE else 20_000
    ring = impl.Ring(4099)
    lengths = [1 + at % 7 for at in range(total // 4)]
    records = messages(lengths)

    def write() -> None:
        done = 0
        while done < len(records):
            done += ring.push(records[done:])

    writer = threading.Thread(target=write)
    writer.start()
    seen = 0
    while seen < len(records):
        batch = ring.drain(512)
        if len(batch):
            assert np.array_equal(batch["seq"], np.arange(seen, seen + len(batch), dtype=np.uint64))
            assert batch["flags"][-1] & MORE == 0
            seen += len(batch)
    writer.join()
    assert len(ring) == 0


steps = st.lists(
    st.one_of(
        st.tuples(st.just("push"), st.lists(st.integers(1, 5), max_size=5)),
        st.tuples(st.just("drain"), st.integers(1, 12)),
    ),
    max_size=40,
)


def outcome(call: Any) -> Any:
    try:
        result = call()
    except ValueError as error:
        return str(error)
    return result.tobytes() if isinstance(result, np.ndarray) else result


@pytest.mark.any_core
@settings(deadline=None)
@given(capacity=st.integers(1, 12), steps=steps)
def test_both_cores_in_lock_step(capacity: int, steps: list[tuple[str, Any]]) -> None:
    native, pure = NATIVE.Ring(capacity), PURE.Ring(capacity)
    seq = 0
    for step, argument in steps:
        if step == "push":
            argument = messages(argument, seq)
            seq += len(argument)
        assert outcome(lambda: getattr(native, step)(argument)) == outcome(lambda: getattr(pure, step)(argument))  # noqa: B023 - called at once
        assert len(native) == len(pure)
