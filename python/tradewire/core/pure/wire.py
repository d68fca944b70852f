"""`WireReader` in Python: RFC 6455, the reading half of a client. Not for writing frames or for the handshake."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from threading import Lock
from typing import NamedTuple

from tradewire.core.delivery import Asked, DigestProtocol, WireReaderProtocol
from tradewire.core.protocols import FULL, DecoderProtocol, RingProtocol
from tradewire.core.record import Kind
from tradewire.errors import DecodeError, StateError

from .argument import integer
from .clock import wall_ns
from .decoder import Decoder
from .digest import Digest, take
from .ring import Ring
from .wire_result import WireResult

__all__ = ["WireReader"]

_ROOM = 128 * 1024
_ERRORS_KEPT = 16
_CONTROLS_KEPT = 64
_KINDS = [kind.name.lower() for kind in Kind if kind is not Kind.LEVEL]
_CONTINUATION, _TEXT, _CLOSE = 0, 1, 8


class _Violation(Exception):  # noqa: N818 - the peer's fault, never seen outside
    """The peer broke the protocol."""

    def __init__(self, code: int, reason: str) -> None:
        super().__init__(code, reason)
        self.code = code
        self.reason = reason


class _Header(NamedTuple):
    fin: bool
    opcode: int
    size: int
    payload: int


def _check_start(first: int, second: int, unfinished: bool) -> None:
    """The rules that the first two bytes can break."""
    fin, opcode = bool(first & 0x80), first & 0x0F
    if first & 0x70:
        raise _Violation(1002, "reserved bit set")
    if opcode not in (0, 1, 2, 8, 9, 10):
        raise _Violation(1002, "unknown opcode")
    if second & 0x80:
        raise _Violation(1002, "masked frame from a server")
    if opcode >= _CLOSE and not fin:
        raise _Violation(1002, "fragmented control frame")
    if opcode >= _CLOSE and second > 125:
        raise _Violation(1002, "control frame over 125 bytes")
    if opcode == _CONTINUATION and not unfinished:
        raise _Violation(1002, "continuation without a message")
    if opcode in (1, 2) and unfinished:
        raise _Violation(1002, "new message before the last one was finished")


def _parse(data: bytearray, at: int, unfinished: bool) -> _Header | None:
    """The header at `at`; None when it is not complete."""
    if len(data) - at < 2:
        return None
    first, second = data[at], data[at + 1]
    _check_start(first, second, unfinished)
    size = {126: 4, 127: 10}.get(second, 2)
    if len(data) - at < size:
        return None
    payload = int.from_bytes(data[at + 2 : at + size], "big") if size > 2 else second
    if payload >= 1 << 63:
        raise _Violation(1002, "length of 2^63 or more")
    if (size == 4 and payload < 126) or (size == 10 and payload < 1 << 16):
        raise _Violation(1002, "length not in its shortest form")
    return _Header(bool(first & 0x80), first & 0x0F, size, payload)


def _check_close(payload: bytes) -> None:
    if not payload:
        return
    if len(payload) == 1:
        raise _Violation(1002, "close payload of one byte")
    code = int.from_bytes(payload[:2], "big")
    if not (1000 <= code <= 1003 or 1007 <= code <= 1014 or 3000 <= code <= 4999):
        raise _Violation(1002, "invalid close code")
    try:
        payload[2:].decode()
    except UnicodeDecodeError:
        raise _Violation(1007, "close reason is not UTF-8") from None


def _checked_text(data: bytes, whole: bool) -> int:
    """How much of `data` is UTF-8; a character may be cut off at the end unless it is the `whole` text."""
    try:
        data.decode()
    except UnicodeDecodeError as error:
        if whole or error.reason != "unexpected end of data":
            raise _Violation(1007, "text is not UTF-8") from None
        return error.start
    return len(data)


class WireReader(WireReaderProtocol):
    """RFC 6455 client-side frame reader joined to a decoder and a ring."""

    def __init__(
        self,
        decoder: DecoderProtocol,
        ring: RingProtocol,
        *,
        stream: str | None = None,
        max_message: int = 1 << 20,
        max_fragments: int = 1024,
    ) -> None:
        if not isinstance(decoder, Decoder):
            raise TypeError(f"decoder must be a Decoder of this core, was {type(decoder).__name__}")
        if not isinstance(ring, Ring):
            raise TypeError(f"ring must be a Ring of this core, was {type(ring).__name__}")
        if stream is not None and not isinstance(stream, str):
            raise TypeError(f"stream must be a str or None, was {type(stream).__name__}")
        self._decoder = decoder
        self._ring = ring
        self._stream = stream
        self._max_message = integer(max_message, "max_message", 125, 1 << 26)
        self._max_fragments = integer(max_fragments, "max_fragments", 1, 1 << 20)
        self._in_use = Lock()
        self._held = bytearray()
        self._lent: bytearray | None = None
        self._recv_ns = 0
        self._direct: tuple[Digest, Callable[[], Asked]] | None = None
        # The message in fragments: its frames so far (0: there is none), joined, and how much is checked UTF-8.
        self._fragments = 0
        self._message = bytearray()
        self._is_text = False
        self._checked = 0
        self._message_waits = False
        self._full = False
        self._closed = False

    def get_buffer(self, sizehint: int = -1) -> memoryview:
        integer(sizehint, "sizehint", -1, (1 << 63) - 1)
        with self._sole():
            self._refuse_while_full()
            self._lent = bytearray(_ROOM)
            return memoryview(self._lent)

    def buffer_updated(self, count: int, recv_ns: int | None = None) -> WireResult | None:
        count = integer(count, "count", 0, _ROOM)
        recv_ns = wall_ns() if recv_ns is None else integer(recv_ns, "recv_ns", 0, (1 << 63) - 1)
        with self._sole(), self._ring.writing():
            self._refuse_while_full()
            if self._lent is None:
                raise StateError("no buffer was asked for: call get_buffer() before each buffer_updated()")
            result = self._take(self._lent[:count], recv_ns)
        if self._direct is not None and result.plain:
            digest, asks = self._direct
            if take(digest, result, count, asks()):
                return None
        return result

    def direct(self, digest: DigestProtocol | None, asks: Callable[[], Asked] | None = None) -> None:
        if digest is None:
            self._direct = None
            return
        if asks is None or not callable(asks):
            raise TypeError(f"asks must be callable, was {type(asks).__name__}")
        if not isinstance(digest, Digest):
            raise TypeError(f"digest must be a Digest of this core, was {type(digest).__name__}")
        self._direct = (digest, asks)

    def feed(self, data: bytes, recv_ns: int) -> WireResult:
        if not isinstance(data, bytes):
            raise TypeError(f"data must be bytes, was {type(data).__name__}")
        recv_ns = integer(recv_ns, "recv_ns", 0, (1 << 63) - 1)
        with self._sole(), self._ring.writing():
            self._refuse_while_full()
            return self._take(data, recv_ns)

    def resume(self) -> WireResult:
        with self._sole(), self._ring.writing():
            return self._read()

    @property
    def pending(self) -> int:
        return len(self._held) + len(self._message)

    @contextmanager
    def _sole(self) -> Iterator[None]:
        if not self._in_use.acquire(blocking=False):
            raise StateError("the reader has another caller at this moment; a reader belongs to one connection")
        try:
            yield
        finally:
            self._in_use.release()

    def _refuse_while_full(self) -> None:
        if self._full:
            raise StateError("the ring was full: drain it and call resume() first")

    def _take(self, data: bytes | bytearray, recv_ns: int) -> WireResult:
        self._recv_ns = recv_ns
        self._held += data
        return self._read()

    def _read(self) -> WireResult:
        """Reads whole frames from what is held."""
        self._lent = None
        reading = _Reading(self._decoder, self._ring, self._recv_ns, self._stream)
        close = None
        if not self._closed:
            try:
                del self._held[: self._frames(reading)]
            except _Violation as violation:
                self._closed = True
                close = (violation.code, violation.reason)
        if self._closed:
            self._held.clear()
            self._message.clear()
        self._full = reading.full
        return reading.result(close)

    def _frames(self, reading: _Reading) -> int:
        """Reads frames until one is not whole or the ring is full; returns how many bytes are done with."""
        at = 0
        while not self._message_waits or self._deliver(reading):
            header = _parse(self._held, at, self._fragments > 0)
            if header is None:
                return at
            if header.opcode < _CLOSE:
                self._admit(header)
            end = at + header.size + header.payload
            if len(self._held) < end:
                return at
            payload = bytes(self._held[at + header.size : end])
            if header.opcode >= _CLOSE:
                if header.opcode == _CLOSE:
                    _check_close(payload)
                    self._closed = True
                reading.frames.append((header.opcode, payload))
                if self._closed:
                    return end
            elif header.fin and not self._fragments:
                if header.opcode == _TEXT:
                    _checked_text(payload, whole=True)
                if not reading.message(payload):
                    return at
            else:
                self._join(header, payload)
            at = end
        return at

    def _admit(self, header: _Header) -> None:
        """The limits, on the header alone: nothing is kept for a message that will be refused."""
        if header.payload > self._max_message - len(self._message):
            raise _Violation(1009, "message too big")
        if self._fragments >= self._max_fragments:
            raise _Violation(1008, "too many fragments")

    def _join(self, header: _Header, payload: bytes) -> None:
        """Adds a fragment; text is checked as it comes, so that a bad message fails before its end."""
        if header.opcode != _CONTINUATION:
            self._is_text = header.opcode == _TEXT
        self._message += payload
        self._fragments += 1
        if self._is_text:
            self._checked += _checked_text(bytes(self._message[self._checked :]), whole=header.fin)
        self._message_waits = header.fin

    def _deliver(self, reading: _Reading) -> bool:
        """Hands over the joined message. False: the ring is full."""
        if not reading.message(bytes(self._message)):
            return False
        self._message.clear()
        self._fragments = self._checked = 0
        self._message_waits = False
        return True


class _Reading:
    """What one call has read so far."""

    def __init__(self, decoder: Decoder, ring: Ring, recv_ns: int, stream: str | None) -> None:
        self._decoder, self._ring, self._recv_ns, self._stream = decoder, ring, recv_ns, stream
        self._before = decoder.counters
        self._messages = 0
        self._errors: list[DecodeError] = []
        self._error_count = 0
        self._controls: list[bytes] = []
        self._control_count = 0
        self.frames: list[tuple[int, bytes]] = []
        self.full = False

    def message(self, payload: bytes) -> bool:
        """Decodes a message into the ring. False: no room."""
        controls = self._decoder.counters["control"]
        try:
            count = self._decoder.decode_into(payload, self._recv_ns, self._ring, self._stream)
        except DecodeError as error:
            self._error_count += 1
            if len(self._errors) < _ERRORS_KEPT:
                self._errors.append(error.with_traceback(None))
            return True
        if count == FULL:
            self.full = True
            return False
        self._messages += count
        if self._decoder.counters["control"] > controls:
            self._control_count += 1
            if len(self._controls) < _CONTROLS_KEPT:
                self._controls.append(payload)
        return True

    def result(self, close: tuple[int, str] | None) -> WireResult:
        after = self._decoder.counters
        counts = {kind: after[kind] - self._before[kind] for kind in _KINDS if after[kind] > self._before[kind]}
        return WireResult(
            self._messages,
            counts,
            self.frames,
            self._errors,
            self._error_count,
            self._controls,
            self._control_count,
            self.full,
            close,
        )
