"""The contract of the hot core: what `pure` implements in Python and `_native` in Rust, word for word the same.

Common to all classes: they are not thread-safe unless said otherwise (one event loop owns them); times are integers in
nanoseconds; integers outside a parameter's range are a `ValueError`, other types a `TypeError`, in both
implementations with the same message. Expected outcomes (ring full, wait so long, gap) are return values.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Literal, Protocol, TypeAlias

import numpy as np
from numpy.typing import NDArray

from tradewire.errors import DecodeError

from .plan import FieldPlan, SequenceRule

__all__ = [
    "FULL",
    "REASONS",
    "Batch",
    "BookSetProtocol",
    "BucketSetProtocol",
    "ClockProtocol",
    "DecoderProtocol",
    "Event",
    "HistogramProtocol",
    "ObjectsProtocol",
    "OrderBookProtocol",
    "RingProtocol",
    "SequenceTrackerProtocol",
    "SignerProtocol",
    "SymbolTableProtocol",
    "TokenBucketProtocol",
    "WantedProtocol",
    "WireResultProtocol",
]

#: A batch of whole messages: read-only structured array of dtype `record.RECORD`, shape (records,), oldest first.
Batch: TypeAlias = NDArray[np.void]

#: What `decode_into` returns when the ring has no room: nothing was written; drain, then call again.
FULL = -1

#: Why a message was refused (`DecodeError.reason`), and the error counters. `time` also counts delivered messages.
REASONS = (
    "syntax",  # not JSON (RFC 8259) or MessagePack; truncated; bytes after the end; a byte order mark
    "nesting",  # deeper than 64
    "utf8",  # text that is not UTF-8, lone surrogates included
    "number",  # numeric text outside `-?(0|[1-9][0-9]*)(\.[0-9]+)?`, over 40 characters, |exponent| > 30; NaN, infinity
    "range",  # an integer beyond i64, or a sign or zero that the plan does not allow
    "type",  # another type than the field's codec reads
    "missing",  # a required field is absent or null
    "code",  # a string or bool that the field's codes do not list
    "time",  # not a time stamp of the field's format; in a delivered message: before 1970 or after 2262
    "symbol",  # empty, over 64 bytes, or holding a control character
    "size",  # more records than the ring holds, or a stream name over 256 bytes
)

Levels: TypeAlias = Sequence[tuple[float, float]]
#: Results of `OrderBook.apply`. `crossed`: applied, and the best bid is now at or above the best ask.
BookOutcome: TypeAlias = Literal["applied", "buffered", "stale", "gap", "need_snapshot", "crossed"]
#: Results of `SequenceTracker.observe`.
SequenceOutcome: TypeAlias = Literal["expected", "gap", "duplicate", "reordered"]


class Event(Protocol):
    """Common to all event classes (`Trade`, `Quote`, ...): frozen, final, hashable, picklable, equal by value.

    `event["price"]` reads the same as `event.price` (KeyError for an unknown name). Constructed with keyword arguments
    only, in the order of `__match_args__`; `repr` lists the fields in that order. Floats may be given as ints. The bits
    of `flags` that follow from another field (side, closed) are set from that one. Pickles load as the class of the
    running implementation. An absent float is NaN in the record, an absent integer -1: optional fields read None.
    """

    @property
    def symbol(self) -> str:
        """The venue's spelling; `""` where a message belongs to none (Control)."""

    @property
    def venue(self) -> str:
        """The plan's venue."""

    @property
    def event_ns(self) -> int:
        """Transaction time, else event time, else 0 (the venue gave none that can be used); ns since 1970 UTC."""

    @property
    def recv_ns(self) -> int:
        """Local receive time as given to the decoder, ns since 1970 UTC."""

    @property
    def seq(self) -> int:
        """Trade id, update id or last update id; 0 where there is none."""

    @property
    def flags(self) -> int:
        """Flag bits of the message's first record (`record.INEXACT`, ...); MORE is never shown."""

    def __getitem__(self, name: str, /) -> Any: ...


class SymbolTableProtocol(Protocol):
    """(venue, symbol) -> u32, append-only, shared by the decoders of a gateway, ids never reused. Thread-safe.

    `SymbolTable(capacity=65536)`; capacity 1..2**31. Venues have numbers of their own, at most 65536.
    """

    def __init__(self, capacity: int = 65536) -> None: ...
    def add(self, venue: str, symbol: str) -> int:
        """The id of the pair, given out on first sight. ValueError: table full, or a name empty or over 64 bytes."""

    def get(self, venue: str, symbol: str) -> int | None:
        """The id of a known pair."""

    def lookup(self, symbol_id: int) -> tuple[str, str]:
        """(venue, symbol) of an id. KeyError: never given out."""

    def add_venue(self, venue: str) -> int:
        """The number of a venue (`batch["venue"]`), given out on first sight. ValueError as in `add`."""

    def venue(self, venue_id: int) -> str:
        """The venue of a number. KeyError: never given out."""

    def __len__(self) -> int: ...


class DecoderProtocol(Protocol):
    """Payload bytes to events or records, by a field plan (`plan.py` says how a message is found, how values are read,
    and what is otherwise in MessagePack).

    `Decoder(plan, symbols=None, *, learn=None)`. `symbols`: names of the plan's venue, or a shared SymbolTable, or
    None. `learn`: whether unseen symbols are added to the table; by default only when `symbols` is None. Otherwise
    (and when the table is full) a message of an unknown symbol is dropped, counted as `unknown_symbol` and
    quarantined. PlanError: see `plan_check.check`. A payload is bytes, `recv_ns` 0..2**63-1.

    A refused message raises DecodeError and is counted under its reason. In an array, an element with a bad field is
    counted and left out; DecodeError (that of the first such element) only if no message at all is left. Duplicate
    keys: the last one wins (`duplicate_key`). Two steps, so that the outcome does not depend on the order of keys:

    1. The whole payload is checked (reasons syntax, nesting, utf8): the first problem from the left refuses it.
       Offset: the first byte that no JSON could have there, where a number is the longest match of the number grammar
       (`1.` fails at the point, `-` at itself) and a misspelt word fails at its first letter; the opening bracket of
       level 65; the backslash of a bad or unfinished escape; the first byte of a bad UTF-8 sequence; the length of
       the data if it ends early. An escaped high surrogate that no escaped low one follows at once, and a low one
       alone, are utf8 at the backslash. A non-ASCII byte outside a string is syntax.
    2. Each message is read: shape, filters, symbol (unknown: dropped, whatever else is wrong), then the other targets
       in the order of their first field, then levels in plan order, price first; the first problem refuses it.
       Offset: the first byte of the value (a string's quote), or of the message (the level, for one without price or
       quantity) when something is missing. A field behind the one that gives its target a value is not looked at.

    Unusable times: a time before 1970 or after 2262 (outside 0..i64 ns, even beyond i64 as it stands, or with a minus
    sign), and an `rfc3339` text of the right form that names no such moment (30 February, 24:00:00, a leap second), is
    passed over. The next field of the target that is there gives the value; if there is none, the target is 0, be the
    field required or not. The message is delivered, counted once under `time` however many of its times are unusable,
    and quarantined as `time` at the first of them. A time of another type or form refuses its message.

    An envelope's stream name must be a string. A payload, an envelope's data or an element of an array that is no
    object is reason `type` (the payload or data may be an array). null is as absent, except that a shape's `keys`
    only have to be there. No shape fits: Control, status unknown, counted as `unknown_event`. A wrapper that is no
    object holds nothing. A shape is known in an error only from step 2 on; where none is, the channel is the caller's
    `stream` (first 64 bytes of UTF-8, as in an excerpt), or `"?"`. `size` has offset 0, or that of the envelope's
    stream name; errors win over FULL, and FULL leaves counters and quarantine alone.

    Records: header and slot defaults as in `record.py`, unnamed slots are zero bits. `Shape.flags` and, in the
    payload's last message, LAST are on every record; SIDE, SIDELESS (trade or liquidation without side) and CLOSED on
    the first, SIDE also on ask levels; INEXACT (over 15 digits from the first to the last nonzero one) on the
    message's first record and on the one that holds the value. Levels come in the order of `Shape.levels`.

    Counters count payloads that were not FULL. A message counts once: refused, filtered, unknown symbol or delivered.
    `inexact` counts delivered messages, `time` refused ones and delivered ones with an unusable time. `duplicate_key`
    counts repeated keys that the plan names, whatever becomes of the message: in a message, in a wrapper's last value,
    in the level maps read, in an envelope. A payload refused in step 1, for its stream name or for its size, counts
    nothing but its reason.
    """

    def __init__(
        self,
        plan: FieldPlan,
        symbols: Iterable[str] | SymbolTableProtocol | None = None,
        *,
        learn: bool | None = None,
    ) -> None: ...
    @property
    def symbols(self) -> SymbolTableProtocol:
        """The table in use."""

    @property
    def counters(self) -> dict[str, int]:
        """Totals since construction: `messages`, one per kind (`trade`, `quote`, ...), one per reason, and `filtered`,
        `unknown_symbol`, `unknown_event`, `duplicate_key`, `inexact`. All names are always present."""

    @property
    def quarantine(self) -> list[tuple[str, str]]:
        """The last 16 (class, excerpt) of unknown symbols, unknown events, refused messages and unusable times, oldest
        first. Class: a reason, `unknown_symbol` (excerpt at the symbol) or `unknown_event` (at the message). Excerpt as
        in DecodeError: the bytes from 32 before the offset, at most 64."""

    def decode(self, data: bytes, recv_ns: int, stream: str | None = None) -> list[Event]:
        """Events of one payload. `stream` names the source where the payload does not (raw streams, REST snapshots)."""

    def decode_into(
        self, data: bytes | Sequence[bytes], recv_ns: int, ring: RingProtocol, stream: str | None = None
    ) -> int:
        """Writes the messages of one payload to the ring: all of them, or none and `FULL`. Returns their number.

        A list or tuple of payloads is written in order until one does not fit: then, and only then, the number of
        *payloads* written is less than its length; the return value is the number of payloads done. A bad payload in a
        list is counted and quarantined, and does not raise."""


class RingProtocol(Protocol):
    """Single-writer, single-reader ring of whole messages, lossless (`RELIABILITY.md` 1.5).

    `Ring(capacity)`: records, 1..2**26, exact (no rounding up). One writer and one reader may be different threads;
    a second simultaneous writer or reader is a StateError.
    """

    def __init__(self, capacity: int) -> None: ...
    @property
    def capacity(self) -> int: ...
    def __len__(self) -> int:
        """Records waiting."""

    def push(self, records: Batch) -> int:
        """Writes whole messages from a contiguous RECORD array, oldest first, while there is room (also room that the
        reader makes meanwhile: a full ring is given less than a millisecond); returns the records written. Does not
        hold the GIL; the array must not be written to until it returns. TypeError: no array. ValueError, and nothing
        is written: another dtype or memory layout, last message incomplete, or a message over capacity."""

    def drain(self, limit: int) -> Batch:
        """Up to `limit` records, whole messages only, oldest first; empty when there are none. A single message longer
        than `limit` is given alone. limit 1..2**26."""


class WantedProtocol(Protocol):
    """Which messages `objects` turns into events: `Wanted(symbols)` starts empty."""

    def __init__(self, symbols: SymbolTableProtocol) -> None: ...
    def add(self, kind: int, symbol_id: int | None = None) -> None:
        """Asks for a kind (not LEVEL), of one symbol or (None) of all. Control messages have no symbol: use None.
        ValueError: a symbol id that the table never gave out."""

    def discard(self, kind: int, symbol_id: int | None = None) -> None:
        """Undoes `add` with the same arguments, however often it was called; otherwise nothing."""


class WireResultProtocol(Protocol):
    """What one read of the socket gave. Read-only."""

    @property
    def messages(self) -> int:
        """Messages written to the ring."""

    @property
    def counts(self) -> Mapping[str, int]:
        """Messages per kind name (`{"trade": 3}`), in the order of `Kind`, only those above zero."""

    @property
    def frames(self) -> list[tuple[int, bytes]]:
        """Control frames in order, as (opcode, payload): 9 ping (answer with the same payload), 10 pong, 8 close."""

    @property
    def errors(self) -> list[DecodeError]:
        """The first 16 refused messages, as DecodeError values; `error_count` is exact."""

    @property
    def error_count(self) -> int:
        """Refused messages."""

    @property
    def controls(self) -> list[bytes]:
        """The first 64 payloads that gave a Control event, oldest first, as received: what they say beyond a record (a
        list, an error's text) the venue reads. An array with Controls in it counts once, a refused one never."""

    @property
    def control_count(self) -> int:
        """Payloads that gave a Control event: exact, also where more came than `controls` keeps."""

    @property
    def full(self) -> bool:
        """The ring had no room; bytes wait in the buffer. Drain, then call `resume()`."""

    @property
    def plain(self) -> bool:
        """Messages, and nothing else: no control frames, no errors, no Control payloads, not full, no close."""

    @property
    def close(self) -> tuple[int, str] | None:
        """(code, reason) to fail with: 1002 protocol, 1007 UTF-8, 1008 too many fragments, 1009 size. Given once."""


class OrderBookProtocol(Protocol):
    """One book of absolute price levels, synchronised by a `SequenceRule` (venue sheet section 12).

    `OrderBook(rule=None, *, symbol="")`; no rule: deltas apply as they come, and no snapshot is needed. A book with a
    rule buffers deltas until its snapshot, then checks every delta, for ever. After a gap it is empty and buffers
    again, beginning with the delta that showed the gap, which may follow the next snapshot. Levels are kept by exact
    float price; a quantity of 0 deletes a level, known or not. In deltas, a quantity that is NaN or negative deletes
    too, and a price that is not finite is passed over (decoders let neither through). Of equal prices in one message
    the last one wins. O(log n) per level.
    """

    def __init__(self, rule: SequenceRule | None = None, *, symbol: str = "") -> None: ...
    def apply(self, delta: Event) -> BookOutcome:
        """Applies a BookDelta (TypeError: something else).

        `applied`, `crossed`: the book holds it. `stale`: the book already held it; ignored. `buffered`: kept until a
        snapshot comes; with a full buffer the oldest is dropped. `gap`: it does not follow the delta before it.
        `need_snapshot`: it is the first one after a snapshot, and begins behind it. After these two the book is empty
        and syncing, the delta is kept, and what follows is `buffered`: fetch a new snapshot.
        """

    def apply_snapshot(self, bids: Levels, asks: Levels, last_seq: int, event_ns: int) -> BookOutcome:
        """Replaces the book, whatever it held, then replays the buffered deltas: stale ones are dropped.

        `applied`, `crossed`: live; where no delta is left, the next one must follow the snapshot. `need_snapshot`: the
        first delta left begins behind the snapshot. `gap`: the buffer itself has a hole. After these two the book is
        empty and syncing, and the deltas from that one on stay buffered. `last_seq`, `event_ns` 0..2**63-1.
        ValueError: a price that is not finite, a quantity that is not finite or below 0; the book is as before.
        """

    def best(self) -> tuple[tuple[float, float] | None, tuple[float, float] | None]:
        """((bid price, quantity), (ask price, quantity)); None for an empty side. O(1)."""

    def levels(self, depth: int) -> tuple[list[tuple[float, float]], list[tuple[float, float]]]:
        """Up to `depth` levels a side, best first. depth 1..2**31."""

    def digest(self) -> str:
        """First 16 hex digits of SHA-256 over `B price quantity` lines (descending), then `A ...` (ascending), shortest
        round-trip decimals without exponent, joined by newlines."""

    @property
    def symbol(self) -> str: ...
    @property
    def state(self) -> Literal["syncing", "live"]:
        """`live`: snapshot applied and chain unbroken (always, without a rule). While `syncing` there are no levels."""

    @property
    def last_seq(self) -> int:
        """Sequence of the last applied delta or snapshot, also after a gap; 0 at first."""

    @property
    def event_ns(self) -> int:
        """Venue time of the last applied delta or snapshot, also after a gap; 0 at first."""

    def __len__(self) -> int:
        """Levels on both sides."""

    def __repr__(self) -> str:
        """`OrderBook('BTCUSDT', live, 20 bids, 20 asks, best bid 1.0, best ask 2.0, last_seq 7)`: levels, prices; an
        empty side's price is `none`. For people; the form may change. O(levels)."""


class BookSetProtocol(Protocol):
    """All books of a feed, fed from batches. `BookSet(rule, symbols)`.

    Books are made when their first book message arrives. A BookSnapshot without PARTIAL goes to `apply_snapshot`; one
    with PARTIAL replaces the book as it stands and empties its buffer (a top-of-book feed has no deltas).
    """

    def __init__(self, rule: SequenceRule | None, symbols: SymbolTableProtocol) -> None: ...
    def apply(self, batch: Batch) -> tuple[list[int], list[tuple[int, int, BookOutcome]]]:
        """(ids of the books that changed and are live at the end, each once, in order of first change; incidents as
        (row of the message's first record in the batch, symbol id, outcome) for every outcome but `applied` and
        `buffered`). ValueError, and nothing is applied: the last message is incomplete, or a book message has a symbol
        id that the table never gave out."""

    def book(self, symbol_id: int) -> OrderBookProtocol | None:
        """The live book itself, not a copy: the same object every time."""

    def reset(self, symbol_id: int) -> None:
        """Puts a book back to its beginning (after a reconnect): `syncing`, its buffer empty too. Unknown ids are
        ignored."""

    def ids(self) -> list[int]:
        """Symbol ids with a book, ascending."""


class SequenceTrackerProtocol(Protocol):
    """Continuity of numbered streams: `SequenceTracker({Kind.TRADE: "contiguous", Kind.QUOTE: "increasing"})`.

    One stream per (kind, symbol). `contiguous`: each number is the last plus one. `increasing`: holes are normal.
    Equal to the last: `duplicate`; below: `reordered` (state unchanged); a hole in a contiguous stream: `gap`, and the
    stream goes on from the new number. The first number of a stream is always `expected`.
    """

    def __init__(self, rules: Mapping[int, Literal["contiguous", "increasing"]]) -> None: ...
    def observe(self, kind: int, symbol_id: int, seq: int) -> SequenceOutcome:
        """How a number (0..2**63-1) goes on its stream. ValueError: a kind without a rule."""

    def apply(self, batch: Batch) -> list[tuple[int, SequenceOutcome, int]]:
        """(row of the first record, outcome, missing) of every message that was not as expected; missing: numbers
        skipped by a gap, else 0. Passed over: kinds without a rule, messages without a number (seq 0), and those with
        BACKFILL. ValueError: the last message is incomplete."""

    def reset(self, kind: int, symbol_id: int) -> None:
        """Forgets a stream, so that its next number is `expected`."""


class TokenBucketProtocol(Protocol):
    """Token bucket, GCRA form: over any window T at most `burst + rate_per_s * T` weight passes. Thread-safe.

    `TokenBucket(rate_per_s, burst)`: rate 1e-6..1e9 per second (float), burst 1..2**31 (weight), but not so large that
    filling takes longer than 2**62 ns. Starts full. One unit of weight takes 1e9 / rate_per_s ns, rounded up to whole
    ns: never too fast, at most 0.1 % too slow up to a million per second. `now_ns` is 0..2**62-1.
    """

    def __init__(self, rate_per_s: float, burst: int) -> None: ...
    def try_acquire(self, weight: int = 1, now_ns: int | None = None) -> int:
        """0: granted. Otherwise nothing was taken, and it is worth asking again after that many ns. `now_ns` None: the
        monotonic clock. A clock that steps back never refunds. ValueError: weight below 1 or over burst."""

    def available(self, now_ns: int | None = None) -> int:
        """Weight that would be granted now; 0 if none."""

    @property
    def rate_per_s(self) -> float: ...
    @property
    def burst(self) -> int: ...


class BucketSetProtocol(Protocol):
    """Several buckets taken all or nothing: `BucketSet([TokenBucket(...), ...])`, 1..16 distinct buckets. Thread-safe.

    Sets may share buckets, and a bucket of a set may still be used alone.
    """

    def __init__(self, buckets: Sequence[TokenBucketProtocol]) -> None: ...
    def try_acquire(self, weights: Sequence[int], now_ns: int | None = None) -> int:
        """0: every bucket granted its weight (0 = not asked). Otherwise nothing was taken; the longest of the waits."""


class HistogramProtocol(Protocol):
    """HDR histogram (Gil Tene): counts in log-linear buckets, relative error at most 10**-digits.

    `Histogram(lowest, highest, digits=3)`: 1 <= lowest, highest >= 2 * lowest and < 2**62, digits 1..5; with 1 to 5
    digits lowest is below 2**57, 2**54, 2**51, 2**47, 2**44. Values are integers in a unit of the caller's choice
    (usually ns), -2**63..2**63-1. Negative values and values over `highest` are not recorded but counted in `negative`
    and `overflow`; nothing is dropped silently. Counters stop at 2**62.
    """

    def __init__(self, lowest: int, highest: int, digits: int = 3) -> None: ...
    def record(self, value: int) -> None: ...
    def record_many(self, values: NDArray[np.int64]) -> None:
        """Records a contiguous int64 or uint64 array (or other buffer of that type). TypeError: another type of item.
        ValueError: not contiguous, or not of one dimension."""

    def record_corrected(self, value: int, expected_interval: int) -> None:
        """Records, and adds the values that a stall of this length hid from a caller who meant to sample every
        `expected_interval` (coordinated omission; HdrHistogram `recordValueWithExpectedInterval`): `value` less one
        interval, less two, ... down to the interval. Those too are counted as overflow where they are over `highest`.
        `expected_interval` is 1..2**63-1."""

    def percentile(self, percentile: float) -> int:
        """Highest value equivalent to the one at `percentile` (0..100), which is the smallest value with at least that
        share of the values at or below it; 0 when empty. O(buckets)."""

    def percentiles(self, percentiles: Sequence[float]) -> list[int]: ...
    def merge(self, other: HistogramProtocol) -> None:
        """Adds the other's counts, `negative` and `overflow` too. ValueError: it has another range or digits."""

    def encode(self) -> str:
        """Compressed V2, base64, as the HdrHistogram tools read it. `negative` and `overflow` have no place in it."""

    @classmethod
    def decode(cls, encoded: str) -> HistogramProtocol:
        """ValueError: not a compressed V2 histogram of integer counts."""

    def reset(self) -> None: ...
    @property
    def count(self) -> int: ...
    @property
    def min(self) -> int:
        """Lowest value equivalent to the smallest recorded one; 0 when empty. O(buckets), like `max` and `mean`."""

    @property
    def max(self) -> int:
        """Highest value equivalent to the largest recorded one; 0 when empty."""

    @property
    def mean(self) -> float:
        """Mean of the values, each taken as the middle of its bucket; 0 when empty."""

    @property
    def negative(self) -> int: ...
    @property
    def overflow(self) -> int: ...
    @property
    def lowest(self) -> int: ...
    @property
    def highest(self) -> int: ...
    @property
    def digits(self) -> int: ...


class SignerProtocol(Protocol):
    """Signs requests; `Signer(secret)` is `Signer.hmac(secret)`. The key never shows in repr or errors; pickling and
    copying are a TypeError.

    Thread-safe. Native: the key is wiped when dropped; the caller's own copies are beyond reach (best effort).
    """

    def __init__(self, secret: str | bytes) -> None: ...
    @classmethod
    def hmac(cls, secret: str | bytes) -> SignerProtocol:
        """HMAC-SHA256. ValueError: empty secret."""

    @classmethod
    def ed25519(cls, pem: str | bytes) -> SignerProtocol:
        """Ed25519 from an unencrypted PKCS#8 PEM. ValueError: not such a key (the text never shows it)."""

    def sign(self, payload: bytes | str) -> str:
        """HMAC: 64 lower-case hex digits. Ed25519: base64 of the 64-byte signature."""

    def sign_query(self, pairs: Iterable[tuple[str, Any]], timestamp_ms: int) -> bytes:
        """Percent-encodes (RFC 3986, UTF-8, upper-case hex) in the order given, adds `timestamp`, signs, appends
        `signature` last (for Ed25519 percent-encoded). Values: str, int, bool (`true`/`false`), Decimal (no exponent,
        digits kept: `0.120`) or float (shortest form that reads back the same, no exponent: `1`, `0.0000001`).
        TypeError: another type, or a pair that is not a tuple. ValueError: NaN or infinite. `timestamp_ms` is
        0..2**63-1."""

    def sign_sorted(self, pairs: Iterable[tuple[str, Any]]) -> str:
        """Sorts by name, joins `name=value` with `&` without encoding, signs: the WebSocket API rule."""


class ClockProtocol(Protocol):
    """`monotonic_ns()` (same clock as `time.monotonic_ns`) and `wall_ns()` (same as `time.time_ns`)."""

    def __call__(self) -> int: ...


class ObjectsProtocol(Protocol):
    """`objects(batch, wanted)`: the events of a batch that `wanted` asks for, oldest first.

    `wanted` may be a SymbolTable: then everything is wanted. Equal to what `decode` gives for the same payloads.
    ValueError: `batch` is not a whole-message RECORD array, or holds ids that the table never gave out.
    """

    def __call__(self, batch: Batch, wanted: WantedProtocol | SymbolTableProtocol) -> list[Event]: ...
