"""What the benchmarks must reach: pairs of rows and the least ratio between them. Data only; `run.py` measures."""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["GOALS", "MEMORY_GOALS_MIB", "Goal"]


@dataclass(frozen=True)
class Goal:
    """`ours` must be at least `ratio` times as fast as `other` (of two ns figures: other / ours)."""

    work: str
    ours: str
    other: str  # (topic, peer, case) of the peers' rows joined by "|", or a row of ours
    name: str
    ratio: float
    stretch: float | None = None


AGG = "aggTrade bytes to typed object, three fields read"
TICK = "bookTicker bytes to typed object, three fields read"
NUMPY = "aggTrade bytes to ring to NumPy, per message"
BOOK = "depth diff 20+20 bytes applied to the book"
RECORDING = "socket bytes of the recording to ring, drained"
HMAC = "HMAC-SHA256 of 200 bytes to hex"
QUERY = "signed query of 11 parameters"
LIMIT = "limiter try_acquire, clock included"
RECORD = "histogram record"
BREAKER = "breaker around a successful async call"

GOALS = (
    Goal(AGG, "test_object[native-aggTrade]", "test_object_msgspec[aggTrade]", "msgspec Struct, float prices", 2, 2.5),
    Goal(AGG, "test_object[native-aggTrade]", "decode|cryptofeed|aggTrade", "cryptofeed", 15),
    Goal(AGG, "test_object[native-aggTrade]", "decode|nautilus_trader|aggTrade: route", "nautilus_trader", 25),
    Goal(AGG, "test_object[native-aggTrade]", "decode|ccxt.pro|aggTrade", "ccxt.pro", 75),
    Goal(AGG, "test_object[native-aggTrade]", "decode|floor: C extension|aggTrade:", "floor: C scanner, C object", 0),
    Goal(
        TICK,
        "test_object[native-bookTicker]",
        "test_object_msgspec[bookTicker]",
        "msgspec Struct, float prices",
        2,
        2.5,
    ),
    Goal(TICK, "test_object[native-bookTicker]", "decode|cryptofeed|bookTicker", "cryptofeed", 15),
    Goal(TICK, "test_object[native-bookTicker]", "decode|nautilus_trader|bookTicker", "nautilus_trader", 25),
    Goal(TICK, "test_object[native-bookTicker]", "decode|ccxt.pro|bookTicker", "ccxt.pro", 75),
    Goal(NUMPY, "test_numpy[native]", "test_numpy_msgspec", "msgspec loop to NumPy", 5),
    Goal(NUMPY, "test_numpy[native]", "decode|floor: C scanner|batch 100k", "floor: C scanner over a list", 1 / 1.5),
    Goal(BOOK, "test_book[native]", "decode|ccxt.pro|depth 20+20", "ccxt.pro", 30),
    Goal(BOOK, "test_book[native]", "decode|cryptofeed|depth 20+20", "cryptofeed", 30),
    Goal(
        BOOK,
        "test_book[native]",
        "decode|floor: simdjson C++|depth combined -> doubles",
        "floor: simdjson on-demand, levels read",
        0.5,
    ),
    Goal(
        RECORDING,
        "test_recording[native]",
        "recording|floor: simdjson C++|recording",
        "floor: simdjson on-demand, bare payloads",
        0.7,
        1.0,
    ),
    Goal(
        "ring, native writer thread to Python drain, per record",
        "test_writer_thread[native]",
        "=50",
        "20 million records/s",
        1,
    ),
    Goal("ring, push and drain of 4,096 in one thread, per record", "test_drain[native]", "=5", "5 ns a record", 1),
    Goal(HMAC, "test_sign[native]", "hmac|nautilus_trader hmac_signature (Rust)|200 B", "nautilus_trader", 1.5),
    Goal(HMAC, "test_sign[native]", "hmac|python-binance|200 B", "python-binance", 4),
    Goal(
        HMAC,
        "test_sign[native]",
        "hmac|floor: C SHA-NI, key precomputed|200 B -> hex",
        "floor: SHA-NI, prepared key",
        1 / 1.3,
    ),
    Goal(QUERY, "test_sign_query[native]", "hmac|python-binance|build", "python-binance", 15),
    Goal(QUERY, "test_sign_query[native]", "hmac|ccxt|build", "ccxt", 15),
    Goal(LIMIT, "test_try_acquire[native]", "limiter|token-bucket|try_acquire", "token-bucket (fastest library)", 5, 7),
    Goal(LIMIT, "test_try_acquire[native]", "limiter|floor: C token bucket|try_acquire", "floor: C token bucket", 0),
    Goal(RECORD, "test_record[native]", "histogram|hdrhistogram|record_value", "hdrhistogram", 15),
    Goal(
        "histogram record_many, per value",
        "test_record_many[native]",
        "histogram|floor: C log-linear bucket|record many",
        "floor: C loop",
        0.5,
    ),
    Goal(BREAKER, "test_breaker_async[decorator]", "breaker|circuitbreaker|async call", "circuitbreaker, decorator", 3),
    Goal(BREAKER, "test_breaker_async[execute]", "breaker|aiobreaker|async call", "aiobreaker, method", 3),
    Goal("choice of a pool's link and note of its success", "test_choose", "=1000", "a microsecond", 1),
    Goal("histogram p99 after a record", "test_percentile[native]", "histogram|hdrhistogram|p99", "hdrhistogram", 100),
)

_PICOWS = "picows + msgspec Struct float (uvloop), by hand"
_PICOWS_SPINNING = "picows + msgspec Struct float (uvloop, spinning loop), by hand"
_CALLBACKS = "loopback WebSocket to callback with a typed object, per message"
_GATEWAY = "e2e|tradewire gateway, callbacks (sleeping uvloop)"
_GATEWAY_SPINNING = "e2e|tradewire gateway, callbacks (spinning uvloop)"

GOALS += (
    Goal(_CALLBACKS, f"{_GATEWAY}|blast", f"e2e|{_PICOWS}|blast", "picows + msgspec by hand", 1.6, 2),
    *(
        Goal(_CALLBACKS, f"{_GATEWAY}|blast", f"e2e|{peer}|blast", name, ratio)
        for peer, name, ratio in (
            ("floor: C recv+frame+JSON+callback (blocking)", "floor: blocking C client", 0),
            ("python-binance BinanceSocketManager (uvloop)", "python-binance", 30),
            ("cryptofeed BinanceFutures (uvloop)", "cryptofeed", 15),
            ("ccxt.pro watch_trades", "ccxt.pro", 60),
        )
    ),
    Goal(
        "loopback WebSocket to NumPy batches, per message",
        "e2e|tradewire gateway, NumPy batches|blast",
        f"e2e|{_PICOWS}|blast",
        "picows + msgspec by hand",
        4,
        6,
    ),
    Goal(
        "the same to callback over TLS, per message",
        f"{_GATEWAY}|TLS",
        f"e2e|{_PICOWS}|TLS",
        "picows + msgspec by hand",
        0,
    ),
    Goal(
        "send to callback at 10,000 messages/s, p50",
        f"{_GATEWAY}|paced 10000/s",
        f"e2e|{_PICOWS}|paced 10000/s",
        "picows + msgspec by hand",
        1,
    ),
    Goal(
        "send to callback at 10,000 messages/s, busy-poll, p50",
        f"{_GATEWAY_SPINNING}|paced 10000/s",
        f"e2e|{_PICOWS_SPINNING}|paced 10000/s",
        "picows + msgspec on a spinning uvloop",
        1,
    ),
)

#: Resident memory of a process that embeds the gateway, by case of `scenario/gateway_memory.py`.
MEMORY_GOALS_MIB = {"embedded gateway, one stream": 60, "embedded gateway, one stream, live view": 80}
