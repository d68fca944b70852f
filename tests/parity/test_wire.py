"""The wire reader on both cores: messages into the ring, results, back pressure, limits, misuse."""

from __future__ import annotations

import random
import threading
from contextlib import suppress
from types import ModuleType
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from frames import BINARY, CLOSE, CONTINUATION, PING, PLAN, PONG, TEXT, close, fragments, frame, trade
from tradewire import core
from tradewire.errors import DecodeError, StateError

NATIVE, PURE = core.load("native"), core.load("pure")
ROOM = 131_072
NAMES = ("messages", "counts", "frames", "errors", "error_count", "full", "close")


def joined(impl: ModuleType, capacity: int = 1000, **options: Any) -> tuple[Any, Any]:
    ring = impl.Ring(capacity)
    return impl.WireReader(impl.Decoder(PLAN), ring, **options), ring


def fill(reader: Any, data: bytes, recv_ns: int = 1) -> Any:
    reader.get_buffer()[: len(data)] = data
    return reader.buffer_updated(len(data), recv_ns)


def seqs(ring: Any) -> list[int]:
    return ring.drain(1 << 20)["seq"].tolist()


def shown(result: Any) -> tuple[Any, ...]:
    return tuple(getattr(result, name) for name in NAMES)


def controls(result: Any) -> tuple[Any, ...]:
    return result.controls, result.control_count


def test_one_read_gives_messages_control_frames_and_errors(impl: ModuleType) -> None:
    reader, ring = joined(impl)
    stream = b"".join(
        [
            frame(TEXT, trade(1)),
            frame(PING, b"hello"),
            frame(TEXT, b'{"e":"t","s":"X","i":true}'),
            frame(BINARY, trade(2)),
            frame(TEXT, b'{"e":"?"}'),
            frame(PONG),
            frame(TEXT, trade(3))[:-1],
        ]
    )
    result = fill(reader, stream)
    assert shown(result) == (
        3,
        {"trade": 2, "control": 1},
        [(PING, b"hello"), (PONG, b"")],
        [DecodeError("test", "trades", 21, "type", '{"e":"t","s":"X","i":true}')],
        1,
        False,
        None,
    )
    assert list(result.counts) == ["trade", "control"]
    assert reader.pending == len(frame(TEXT, trade(3))) - 1
    assert shown(fill(reader, frame(TEXT, trade(3))[-1:])) == (1, {"trade": 1}, [], [], 0, False, None)
    assert (seqs(ring), reader.pending) == ([1, 2, 0, 3], 0)


def test_results_are_read_only(impl: ModuleType) -> None:
    reader, _ = joined(impl)
    result = reader.feed(b"", 1)
    for name in (*NAMES, "controls", "control_count"):
        with pytest.raises(AttributeError):
            setattr(result, name, None)


def test_a_message_has_the_time_of_the_read_that_completed_it(impl: ModuleType) -> None:
    reader, ring = joined(impl)
    stream = frame(TEXT, trade(1)) + fragments(TEXT, trade(2)[:9], trade(2)[9:])
    reader.feed(stream[:5], 10)
    reader.feed(stream[5:50], 20)
    reader.feed(stream[50:], 30)
    assert ring.drain(9)["recv_ns"].tolist() == [20, 30]


def test_the_stream_name_reaches_the_decoder(impl: ModuleType) -> None:
    reader, _ = joined(impl, stream="source")
    assert str(reader.feed(frame(TEXT, b"x"), 1).errors[0]) == "test source: syntax at byte 0, near 'x'"


def test_errors_are_kept_up_to_sixteen_and_all_counted(impl: ModuleType) -> None:
    reader, ring = joined(impl)
    result = reader.feed(b"".join(frame(TEXT, b"%d" % at) + frame(TEXT, trade(at)) for at in range(20)), 1)
    assert [error.excerpt for error in result.errors] == [str(at) for at in range(16)]
    assert (result.error_count, result.messages, seqs(ring)) == (20, 20, list(range(20)))


def test_payloads_with_controls_are_given_as_received(impl: ModuleType) -> None:
    reader, _ = joined(impl)
    notice, mixed = b'{"e":"?","text":"caf\xc3\xa9"}', b'[{"e":"?"},%s,{"e":"??"}]' % trade(2)
    stream = [trade(1), notice, b'{"e":"t"}', mixed, b'[{"e":"?"},{"e":"t"}]']
    result = fill(reader, b"".join(frame(TEXT, payload) for payload in stream))
    assert controls(result) == ([notice, mixed, stream[-1]], 3)
    assert (result.counts, result.error_count) == ({"trade": 2, "control": 4}, 1)
    assert controls(reader.feed(frame(TEXT, trade(3)), 1)) == ([], 0)
    assert controls(reader.feed(fragments(BINARY, notice[:9], notice[9:]), 1)) == ([notice], 1)


def test_controls_are_kept_up_to_sixty_four_and_all_counted(impl: ModuleType) -> None:
    reader, _ = joined(impl)
    payloads = [b'{"e":"%d"}' % at for at in range(70)]
    result = reader.feed(b"".join(frame(TEXT, payload) + frame(TEXT, trade(1)) for payload in payloads), 1)
    assert controls(result) == (payloads[:64], 70)


def test_a_control_that_waited_for_room_belongs_to_the_read_that_delivered_it(impl: ModuleType) -> None:
    reader, ring = joined(impl, capacity=1)
    notice = b'{"e":"?"}'
    assert controls(reader.feed(frame(TEXT, trade(1)) + frame(TEXT, notice), 1)) == ([], 0)
    ring.drain(1)
    assert controls(reader.resume()) == ([notice], 1)


def test_a_full_ring_keeps_bytes_until_resume(impl: ModuleType) -> None:
    reader, ring = joined(impl, capacity=2)
    stream = frame(TEXT, trade(1)) * 3 + fragments(TEXT, trade(4)[:7], trade(4)[7:]) + frame(PING) + b"\x81"
    result = fill(reader, stream, recv_ns=5)
    assert (result.full, result.messages, result.frames) == (True, 2, [])
    assert reader.pending == len(stream) - 2 * len(frame(TEXT, trade(1)))
    for call in (reader.get_buffer, lambda: reader.buffer_updated(0, 6), lambda: reader.feed(b"", 6)):
        with pytest.raises(StateError, match=r"^the ring was full: drain it and call resume\(\) first$"):
            call()
    assert shown(reader.resume()) == (0, {}, [], [], 0, True, None)
    assert seqs(ring) == [1, 1]
    ring.push(ring_filler())
    assert (reader.resume().messages, reader.resume().full) == (1, True)
    assert seqs(ring) == [0, 1]
    result = reader.resume()
    assert (result.messages, result.frames, result.full, reader.pending) == (1, [(PING, b"")], False, 1)
    assert ring.drain(9)["recv_ns"].tolist() == [5]
    assert shown(reader.resume()) == (0, {}, [], [], 0, False, None)


def ring_filler() -> Any:
    ring = NATIVE.Ring(1)
    NATIVE.Decoder(PLAN).decode_into(trade(0), 1, ring)
    return ring.drain(1)


@pytest.mark.parametrize("form", ["fill", "feed"])
def test_a_violation_is_told_once_and_ends_the_reading(impl: ModuleType, form: str) -> None:
    reader, ring = joined(impl)
    call = (lambda data: fill(reader, data)) if form == "fill" else (lambda data: reader.feed(data, 1))
    result = call(frame(TEXT, trade(1)) + frame(TEXT, trade(2), reserved=4) + frame(TEXT, trade(3)))
    assert (result.messages, result.close, reader.pending) == (1, (1002, "reserved bit set"), 0)
    assert shown(call(frame(TEXT, trade(4)))) == (0, {}, [], [], 0, False, None)
    assert (seqs(ring), reader.pending) == ([1], 0)


def test_a_violation_behind_a_full_ring_waits_its_turn(impl: ModuleType) -> None:
    reader, ring = joined(impl, capacity=1)
    result = reader.feed(frame(TEXT, trade(1)) * 2 + frame(3), 1)
    assert (result.full, result.close) == (True, None)
    ring.drain(1)
    result = reader.resume()
    assert (result.full, result.messages, result.close) == (False, 1, (1002, "unknown opcode"))


@pytest.mark.parametrize(
    ("stream", "failure"),
    [
        (frame(TEXT, reserved=1), (1002, "reserved bit set")),
        (frame(11), (1002, "unknown opcode")),
        (frame(TEXT, mask=b"abcd"), (1002, "masked frame from a server")),
        (frame(PING, fin=False), (1002, "fragmented control frame")),
        (frame(PING, b"*" * 126), (1002, "control frame over 125 bytes")),
        (frame(CONTINUATION), (1002, "continuation without a message")),
        (frame(TEXT, fin=False) * 2, (1002, "new message before the last one was finished")),
        (b"\x82\x7f" + (1 << 63).to_bytes(8, "big"), (1002, "length of 2^63 or more")),
        (b"\x82\x7e\x00\x7d", (1002, "length not in its shortest form")),
        (b"\x82\x7e\x00\xc9", (1009, "message too big")),
        (fragments(TEXT, b"", b"", b"", b"")[:-2] + b"\x80\x00", (1008, "too many fragments")),
        (frame(TEXT, b"\xff"), (1007, "text is not UTF-8")),
        (frame(CLOSE, b"x"), (1002, "close payload of one byte")),
        (close(1005), (1002, "invalid close code")),
        (close(1000, b"\xff"), (1007, "close reason is not UTF-8")),
        # Several rules broken at once: the first in the contract's order is named.
        (frame(11, b"*" * 200, fin=False, reserved=1, mask=b"abcd"), (1002, "reserved bit set")),
        (frame(11, b"*" * 200, fin=False, mask=b"abcd"), (1002, "unknown opcode")),
        (frame(PING, b"*" * 200, fin=False, mask=b"abcd"), (1002, "masked frame from a server")),
        (frame(PING, b"*" * 200, fin=False), (1002, "fragmented control frame")),
        (b"\x80\x7f" + (1 << 63).to_bytes(8, "big"), (1002, "continuation without a message")),
        (fragments(TEXT, b"", b"", b"")[:-2] + b"\x00\x00\x80\x7e\x00\xc9", (1009, "message too big")),
    ],
)
def test_each_rule_has_its_code_and_words(impl: ModuleType, stream: bytes, failure: tuple[int, str]) -> None:
    reader, _ = joined(impl, max_message=200, max_fragments=3)
    assert reader.feed(stream, 1).close == failure


def test_a_size_is_refused_on_the_header(impl: ModuleType) -> None:
    reader, _ = joined(impl, max_message=1 << 26)
    result = fill(reader, bytes([0x82, 127]) + ((1 << 26) + 1).to_bytes(8, "big"))
    assert result.close == (1009, "message too big")
    reader, _ = joined(impl, max_message=125)
    assert fill(reader, bytes([0x82, 126, 0, 126])).close == (1009, "message too big")
    reader, _ = joined(impl, max_message=125)
    assert fill(reader, bytes([0x82, 125])).close is None


def test_long_messages_pass_through_the_lent_buffer(impl: ModuleType) -> None:
    """Longer than the room: memory grows behind the unfinished frame, and views of the old memory stay harmless."""
    reader, ring = joined(impl, max_message=300_000)
    payload = trade(7)[:-1] + b" " * 250_000 + b"}"
    stream = frame(TEXT, payload) + fragments(BINARY, payload[:100_000], payload[100_000:]) + frame(TEXT, trade(8))
    views = []
    for at in range(0, len(stream), ROOM):
        piece = stream[at : at + ROOM]
        views.append(reader.get_buffer())
        assert (views[-1].nbytes, views[-1].format, views[-1].readonly) == (ROOM, "B", False)
        views[-1][: len(piece)] = piece
        assert reader.buffer_updated(len(piece), 1).close is None
    assert seqs(ring) == [7, 7, 8]
    del reader
    for view in views:
        view[:] = b"\xff" * ROOM
        view.release()


def test_a_buffer_is_for_one_update(impl: ModuleType) -> None:
    reader, _ = joined(impl)
    text = r"^no buffer was asked for: call get_buffer\(\) before each buffer_updated\(\)$"
    with pytest.raises(StateError, match=text):
        reader.buffer_updated(0, 1)
    for call in (lambda: reader.buffer_updated(0, 1), lambda: reader.feed(b"", 1), reader.resume):
        reader.get_buffer()
        call()
        with pytest.raises(StateError, match=text):
            reader.buffer_updated(0, 1)


@pytest.mark.parametrize(
    ("call", "error"),
    [
        (
            lambda m: m.WireReader(1, m.Ring(1)),
            TypeError("decoder must be a Decoder of this core, was int"),
        ),
        (
            lambda m: m.WireReader(m.Decoder(PLAN), m.Decoder(PLAN)),
            TypeError("ring must be a Ring of this core, was Decoder"),
        ),
        (lambda m: joined(m, stream=b"x"), TypeError("stream must be a str or None, was bytes")),
        (lambda m: joined(m, max_message=124), ValueError("max_message must be 125..67108864, was 124")),
        (lambda m: joined(m, max_message=2**26 + 1), ValueError("max_message must be 125..67108864, was 67108865")),
        (lambda m: joined(m, max_message="x"), TypeError("max_message must be an integer, was str")),
        (lambda m: joined(m, max_fragments=0), ValueError("max_fragments must be 1..1048576, was 0")),
        (lambda m: joined(m)[0].feed(bytearray(), 1), TypeError("data must be bytes, was bytearray")),
        (lambda m: joined(m)[0].feed(b"", -1), ValueError("recv_ns must be 0..9223372036854775807, was -1")),
        (lambda m: joined(m)[0].feed(b"", 1.0), TypeError("recv_ns must be an integer, was float")),
        (lambda m: joined(m)[0].buffer_updated(ROOM + 1, 1), ValueError("count must be 0..131072, was 131073")),
        (
            lambda m: joined(m)[0].buffer_updated(1, 2**63),
            ValueError("recv_ns must be 0..9223372036854775807, was 9223372036854775808"),
        ),
    ],
)
def test_misuse_is_named(impl: ModuleType, call: Any, error: Exception) -> None:
    with pytest.raises(type(error)) as caught:
        call(impl)
    assert (type(caught.value), str(caught.value)) == (type(error), str(error))


def test_another_writer_of_the_ring_takes_nothing_away(impl: ModuleType) -> None:
    """While another thread writes to the ring, a read is refused as a whole, and may be made again."""
    reader, ring = joined(impl, capacity=1 << 14)
    others = ring_filler().repeat(1 << 13)
    done = threading.Event()

    def write() -> None:
        while not done.is_set():
            with suppress(StateError):
                ring.push(others)

    def call(method: Any, *arguments: Any) -> Any:
        """The call, made until it is not refused."""
        while True:
            try:
                return method(*arguments)
            except StateError as error:
                texts.add(str(error))

    texts: set[str] = set()
    seen: list[int] = []
    writer = threading.Thread(target=write)
    writer.start()
    sent = 0
    while sent < 100 or not texts:
        result = call(reader.feed, frame(TEXT, trade(sent)), 9)
        sent += 1
        while True:
            batch = ring.drain(1 << 14)
            seen += batch["seq"][batch["recv_ns"] == 9].tolist()
            if not result.full:
                break
            result = call(reader.resume)
    done.set()
    writer.join()
    batch = ring.drain(1 << 14)
    seen += batch["seq"][batch["recv_ns"] == 9].tolist()
    assert seen == list(range(sent))
    assert texts == {"the ring has another writer at this moment; a ring has one writer and one reader"}


def any_stream(source: random.Random) -> bytes:
    """A few frames, most of them right."""
    made = []
    for at in range(source.randint(1, 12)):
        payload = source.choice(
            [trade(at), b"{", b'[{"e":"?"}]', b"\xff", b"", "é€😀".encode(), trade(at) + b" " * 200]
        )
        made.append(
            source.choice(
                [
                    frame(source.choice([TEXT, BINARY]), payload),
                    frame(source.choice([TEXT, BINARY]), payload),
                    fragments(TEXT, payload[:3], payload[3:], between=frame(PING, b"p")),
                    frame(source.choice([PING, PONG]), payload[:100]),
                    frame(source.randint(0, 15), payload, fin=source.random() < 0.9)
                    if source.random() < 0.1
                    else frame(TEXT, trade(at)),
                    close(source.choice([1000, 1005]), payload[:9]) if source.random() < 0.2 else b"",
                ]
            )
        )
    stream = bytearray(b"".join(made))
    if stream and source.random() < 0.2:
        stream[source.randrange(len(stream))] ^= 1 << source.randrange(8)
    return bytes(stream)


@pytest.mark.any_core
@settings(deadline=None)
@given(seed=st.integers(0, 2**32), capacity=st.integers(1, 6), longest=st.integers(1, 400))
def test_both_cores_in_lock_step(seed: int, capacity: int, longest: int) -> None:
    source = random.Random(seed)
    stream = any_stream(source)
    native, pure = (joined(impl, capacity, max_message=200, max_fragments=2) for impl in (NATIVE, PURE))
    at = 0
    while at < len(stream):
        step = source.randint(1, longest)
        piece, at = stream[at : at + step], at + step
        use = fill if source.random() < 0.5 else lambda reader, data: reader.feed(data, 1)
        results = [use(reader, piece) for reader, _ in (native, pure)]
        while True:
            assert shown(results[0]) == shown(results[1])
            assert controls(results[0]) == controls(results[1])
            assert native[0].pending == pure[0].pending
            if not results[0].full:
                break
            batches = [ring.drain(2) for _, ring in (native, pure)]
            assert batches[0].tobytes() == batches[1].tobytes()
            results = [reader.resume() for reader, _ in (native, pure)]
    assert native[1].drain(10).tobytes() == pure[1].drain(10).tobytes()
