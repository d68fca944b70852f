"""The catalogue of bad input, as far as it touches the decoder: a typed error that says where, one counter, no harm.

Every case is fed between two good messages; both must be delivered whatever happens in between.
"""

from __future__ import annotations

import pickle
from types import ModuleType

import pytest

from binance_samples import SPOT, USDM
from decoder_plans import ALPACA, ALPACA_SAMPLES
from tradewire.core import INEXACT, REASONS
from tradewire.errors import DecodeError
from tradewire.venues.binance import SPOT_MARKET_DATA, USDM_MARKET_DATA

TRADE = USDM["agg_trade"]
QUOTE = USDM["quote"]
DEPTH = USDM["depth"]
FORCED = USDM["liquidation"]


def swap(payload: bytes, old: bytes, new: bytes) -> bytes:
    assert payload.count(old) == 1
    return payload.replace(old, new)


def price(text: str) -> bytes:
    return swap(TRADE, b'"83091.70"', text.encode())


def value_of(payload: bytes, key: bytes) -> int:
    """Offset of the value under the last such key."""
    return payload.rindex(b'"' + key + b'":') + len(key) + 3


P = value_of(TRADE, b"p")
DATA = TRADE.index(b'{"e"')

#: (id, payload, reason, offset, channel)
CASES: list[tuple[str, bytes, str, int, str]] = [
    # Malformed and truncated JSON, trailing bytes, byte order mark.
    ("truncated", TRADE[:100], "syntax", 100, "?"),
    ("truncated string", TRADE[: P + 3], "syntax", P + 3, "?"),
    ("empty", b"", "syntax", 0, "?"),
    ("trailing bytes", TRADE + b"x", "syntax", len(TRADE), "?"),
    ("two values", TRADE + TRADE, "syntax", len(TRADE), "?"),
    ("trailing zero byte", TRADE + b"\x00", "syntax", len(TRADE), "?"),
    ("byte order mark", b"\xef\xbb\xbf" + TRADE, "syntax", 0, "?"),
    ("missing comma", swap(TRADE, b',"m"', b'"m"'), "syntax", TRADE.index(b',"m"'), "?"),
    ("single quotes", price("'1'"), "syntax", P, "?"),
    ("html", b"<html>502 Bad Gateway</html>", "syntax", 0, "?"),
    # NaN and Infinity as tokens.
    ("NaN token", price("NaN"), "syntax", P, "?"),
    ("Infinity token", price("Infinity"), "syntax", P, "?"),
    ("-Infinity token", price("-Infinity"), "syntax", P, "?"),
    # Numeric strings that Python's float() or Decimal() would take.
    *(
        (f"numeric string {text!r}", price(f'"{text}"'), "number", P, "agg_trades")
        for text in ("NaN", "Infinity", "1e400", "1e5", "1_000", " 1 ", "\uff11\uff12", "+1", ".5", "1.", "01", "")
    ),
    # Huge integers, exponents and texts.
    ("41 characters", price('"' + "1" * 41 + '"'), "number", P, "agg_trades"),
    ("10,000 digits", price("1" * 10_000), "number", P, "agg_trades"),
    ("exponent", price("1e400"), "number", P, "agg_trades"),
    ("id over i64", swap(TRADE, b"3477868433", b"9223372036854775808"), "range", value_of(TRADE, b"a"), "agg_trades"),
    ("id of 10,000 digits", swap(TRADE, b"3477868433", b"1" * 10_000), "number", value_of(TRADE, b"a"), "agg_trades"),
    ("fractional id", swap(TRADE, b"3477868433", b"1.0"), "type", value_of(TRADE, b"a"), "agg_trades"),
    # Negative and zero prices and sizes; zero deletes a level, and only there.
    ("negative price", price('"-1"'), "range", P, "agg_trades"),
    ("zero price", price('"0.00"'), "range", P, "agg_trades"),
    ("minus zero", price('"-0"'), "range", P, "agg_trades"),
    ("zero quantity", swap(TRADE, b'"q":"0.022"', b'"q":"0"'), "range", value_of(TRADE, b"q"), "agg_trades"),
    ("negative id", swap(TRADE, b"3477868433", b"-1"), "range", value_of(TRADE, b"a"), "agg_trades"),
    ("negative level", swap(DEPTH, b'"100"', b'"-100"'), "range", DEPTH.index(b'"100"'), "book"),
    ("minus zero level", swap(DEPTH, b'"0"]', b'"-0"]'), "range", DEPTH.index(b'"0"]'), "book"),
    ("level at zero", swap(DEPTH, b'"0.0026"', b'"0"'), "range", DEPTH.index(b'"0.0026"'), "book"),
    ("negative quote", swap(QUOTE, b'"4.215"', b'"-4.215"'), "range", QUOTE.index(b'"4.215"'), "quotes"),
    # Deep nesting.
    ("nesting", b"[" * 65 + b"]" * 65, "nesting", 64, "?"),
    ("nesting without end", b'{"a":' * 100_000, "nesting", 320, "?"),
    # Invalid UTF-8, lone surrogates, NUL in a symbol.
    ("utf8", swap(TRADE, b"BTCUSDT", b"BTC\xff"), "utf8", TRADE.index(b"BTCUSDT") + 3, "?"),
    ("utf8 in what is skipped", swap(TRADE, b'"nq":"0.022"', b'"nq":"\xc0\x80"'), "utf8", TRADE.index(b"nq") + 5, "?"),
    ("lone surrogate", swap(TRADE, b"BTCUSDT", b"BTC\\ud800"), "utf8", TRADE.index(b"BTCUSDT") + 3, "?"),
    ("encoded surrogate", swap(TRADE, b"BTCUSDT", b"\xed\xa0\x80"), "utf8", TRADE.index(b"BTCUSDT"), "?"),
    ("NUL in a symbol", swap(TRADE, b"BTCUSDT", b"BTC\\u0000"), "symbol", value_of(TRADE, b"s"), "agg_trades"),
    ("raw control character", swap(TRADE, b"BTCUSDT", b"BTC\n"), "syntax", TRADE.index(b"BTCUSDT") + 3, "?"),
    ("long symbol", swap(TRADE, b"BTCUSDT", b"B" * 65), "symbol", value_of(TRADE, b"s"), "agg_trades"),
    ("empty symbol", swap(TRADE, b"BTCUSDT", b""), "symbol", value_of(TRADE, b"s"), "agg_trades"),
    # Wrong type, null, missing.
    ("price is an array", price("[1]"), "type", P, "agg_trades"),
    ("price is true", price("true"), "type", P, "agg_trades"),
    ("price is null", price("null"), "missing", DATA, "agg_trades"),
    ("price is missing", swap(TRADE, b'"p":"83091.70",', b""), "missing", DATA, "agg_trades"),
    ("symbol is a number", swap(TRADE, b'"BTCUSDT"', b"7"), "type", value_of(TRADE, b"s"), "agg_trades"),
    ("symbol is missing", swap(TRADE, b'"s":"BTCUSDT",', b""), "missing", DATA, "agg_trades"),
    ("side is a string", swap(TRADE, b'"m":false', b'"m":"false"'), "code", value_of(TRADE, b"m"), "agg_trades"),
    ("side is a number", swap(TRADE, b'"m":false', b'"m":0'), "type", value_of(TRADE, b"m"), "agg_trades"),
    ("levels are an object", swap(DEPTH, b'[["0.0026","100"]]', b"{}"), "type", value_of(DEPTH, b"a"), "book"),
    ("a level is a string", swap(DEPTH, b'["0.0026","100"]', b'"0.0026"'), "type", value_of(DEPTH, b"a") + 1, "book"),
    ("half a level", swap(DEPTH, b'"0.0026","100"', b'"0.0026"'), "missing", value_of(DEPTH, b"a") + 1, "book"),
    ("levels are missing", swap(DEPTH, b',"a":[["0.0026","100"]]', b""), "missing", DEPTH.index(b'{"e"'), "book"),
    ("the payload is a string", b'"hello"', "type", 0, "?"),
    ("the data is null", b'{"stream":"x@y","data":null}', "type", 23, "?"),
    ("the stream is a number", b'{"stream":5,"data":{}}', "type", 10, "?"),
    ("a long stream name", b'{"stream":"' + b"x" * 257 + b'","data":{}}', "size", 10, "?"),
    # Enums that are not known.
    ("interval", swap(USDM["bar"], b'"i":"1m"', b'"i":"2m"'), "code", USDM["bar"].index(b'"1m"'), "bars"),
    ("order side", swap(FORCED, b'"SELL"', b'"HOLD"'), "code", FORCED.index(b'"SELL"'), "liquidations"),
    # Times that are none; those out of range are below.
    ("fractional time", swap(TRADE, b"1791382992338", b"1791382992.338"), "type", value_of(TRADE, b"T"), "agg_trades"),
]  # fmt: skip


@pytest.mark.parametrize(
    ("payload", "reason", "offset", "channel"), [case[1:] for case in CASES], ids=[case[0] for case in CASES]
)
def test_refused_with_a_typed_error_and_a_counter(
    impl: ModuleType, payload: bytes, reason: str, offset: int, channel: str
) -> None:
    decoder, ring = impl.Decoder(USDM_MARKET_DATA), impl.Ring(64)
    assert decoder.decode_into(QUOTE, 1, ring) == 1
    with pytest.raises(DecodeError) as caught:
        decoder.decode_into(payload, 2, ring)
    assert decoder.decode_into(TRADE, 3, ring) == 1
    error = caught.value
    assert (error.venue, error.channel, error.offset, error.reason) == ("binance", channel, offset, reason)
    assert len(error.excerpt) <= 64
    assert all(" " <= character <= "~" for character in error.excerpt)
    start = max(0, offset - 32)
    assert len(error.excerpt) == len(payload[start : start + 64])
    assert str(error) == f"binance {channel}: {reason} at byte {offset}, near {error.excerpt!r}"
    assert pickle.loads(pickle.dumps(error)) == error  # noqa: S301 - our own bytes
    counters = decoder.counters
    assert {name: counters[name] for name in REASONS if counters[name]} == {reason: 1}
    assert counters["messages"] == 2
    assert decoder.quarantine[-1] == (reason, error.excerpt)
    assert ring.drain(64)["recv_ns"].tolist() == [1, 3]


def test_the_catalogue_covers_every_reason() -> None:
    assert {case[2] for case in CASES} == set(REASONS) - {"time"}  # only a text can be one, and Binance has none


def test_a_time_in_another_form_refuses_its_message(impl: ModuleType) -> None:
    decoder = impl.Decoder(ALPACA)
    payload = swap(ALPACA_SAMPLES["bar"], b"19:15:00Z", b"19:15:00+00:00")
    for _ in range(2):
        with pytest.raises(DecodeError) as caught:
            decoder.decode(payload, 1)
        assert (caught.value.reason, caught.value.offset) == ("time", payload.index(b'"2021-02-22'))
    assert (decoder.counters["time"], decoder.counters["messages"]) == (2, 0)


TIMES = (b"1791382992338000", b"-1", b"-0", b"9223372036855", b"9223372036854775808", b'"' + b"9" * 40 + b'"')


@pytest.mark.parametrize("time", TIMES)
def test_a_time_out_of_range_leaves_the_event_and_the_next_candidate(impl: ModuleType, time: bytes) -> None:
    decoder, ring = impl.Decoder(USDM_MARKET_DATA), impl.Ring(64)
    good = decoder.decode(TRADE, 1)[0]
    bad = swap(TRADE, b"1791382992338", time)
    worse = swap(bad, b'"E":1791382992488', b'"E":' + time)
    # More than once, for what the native decoder learns from one message must not change what it makes of the next.
    for _ in range(3):
        (event,) = decoder.decode(bad, 1)
        assert (event.event_ns, event.price, event.seq) == (1_791_382_992_488_000_000, good.price, good.seq)
        (event,) = decoder.decode(worse, 1)
        assert (event.event_ns, event.price, event.seq) == (0, good.price, good.seq)
        assert decoder.decode(TRADE, 1) == [good]
        assert decoder.decode_into(worse, 1, ring) == 1
    assert {name: count for name, count in decoder.counters.items() if count} == {
        "messages": 13,
        "trade": 13,
        "time": 9,
    }
    at = worse.rindex(b'"T":') + 4  # that of the first field of the plan, be it not the first in the payload
    assert decoder.quarantine[-1] == ("time", worse[at - 32 : at + 32].decode())
    assert ring.drain(64)["event_ns"].tolist() == [0, 0, 0]


def test_a_candidate_that_is_no_time_still_refuses(impl: ModuleType) -> None:
    decoder = impl.Decoder(USDM_MARKET_DATA)
    payload = swap(swap(TRADE, b"1791382992338", b"-1"), b'"E":1791382992488', b'"E":true')
    with pytest.raises(DecodeError) as caught:
        decoder.decode(payload, 1)
    assert (caught.value.reason, caught.value.offset) == ("type", value_of(payload, b"E"))
    assert {name: count for name, count in decoder.counters.items() if count} == {"type": 1}


def test_every_other_time_out_of_range_is_zero(impl: ModuleType) -> None:
    decoder = impl.Decoder(USDM_MARKET_DATA)
    mark = decoder.decode(swap(USDM["mark_price"], b'"T":', b'"T":-'), 1)[0]
    assert (mark.next_funding_ns, mark.event_ns > 0) == (0, True)
    assert decoder.decode(swap(USDM["mark_price"], b'"T":', b'"X":'), 1)[0].next_funding_ns is None
    bar = decoder.decode(swap(USDM["bar"], b'"t":', b'"t":-'), 1)[0]
    assert (bar.start_ns, bar.event_ns > 0, bar.trades > 0) == (0, True, True)
    assert decoder.counters["time"] == 2


@pytest.mark.parametrize("text", [b"2016-12-31T23:59:60Z", b"2021-02-30T00:00:00Z", b"1969-12-31T23:59:59.9Z"])
def test_two_times_out_of_range_are_one_message(impl: ModuleType, text: bytes) -> None:
    decoder = impl.Decoder(ALPACA)
    good = decoder.decode(ALPACA_SAMPLES["bar"], 1)
    for _ in range(3):
        (bar,) = decoder.decode(swap(ALPACA_SAMPLES["bar"], b"2021-02-22T19:15:00Z", text), 1)
        assert (bar.start_ns, bar.event_ns, bar.close) == (0, 0, good[0].close)
        assert decoder.decode(ALPACA_SAMPLES["bar"], 1) == good
    assert (decoder.counters["time"], decoder.counters["bar"], len(decoder.quarantine)) == (3, 7, 3)


def test_without_a_shape_the_channel_is_the_callers_stream(impl: ModuleType) -> None:
    with pytest.raises(DecodeError) as caught:
        impl.Decoder(USDM_MARKET_DATA).decode(b"{", 1, "btc\nusdt@trade" + "x" * 100)
    assert caught.value.channel == ("btc.usdt@trade" + "x" * 100)[:64]


def test_extra_fields_are_ignored(impl: ModuleType) -> None:
    decoder = impl.Decoder(USDM_MARKET_DATA)
    extra = swap(TRADE, b'"st":1', b'"st":1,"new":{"deep":[1,{"p":"NaN"}]},"\\u006eew2":null')
    assert decoder.decode(extra, 1) == decoder.decode(TRADE, 1)


def test_the_last_of_repeated_keys_wins_and_is_counted(impl: ModuleType) -> None:
    decoder = impl.Decoder(USDM_MARKET_DATA)
    repeated = swap(TRADE, b'"p":"83091.70"', b'"p":"NaN","\\u0070":[],"p":"2","new":1,"new":2')
    assert decoder.decode(repeated, 1)[0].price == 2.0
    assert decoder.counters["duplicate_key"] == 2
    decoder.decode(swap(TRADE, b'"stream":', b'"stream":"x","stream":'), 1)
    assert decoder.counters["duplicate_key"] == 3


def test_unknown_events_are_quarantined_and_delivered_as_such(impl: ModuleType) -> None:
    decoder = impl.Decoder(USDM_MARKET_DATA)
    events = decoder.decode(b'{"e":"somethingNew","E":1791382992488,"s":"BTCUSDT"}', 1)
    assert [(type(event).__name__, event.status) for event in events] == [("Control", "unknown")]
    assert decoder.counters["unknown_event"] == 1
    assert decoder.quarantine[0][0] == "unknown_event"
    assert decoder.decode(b"{}", 1)[0].status == "unknown"


def test_long_numbers_are_flagged_and_counted(impl: ModuleType) -> None:
    decoder = impl.Decoder(USDM_MARKET_DATA)
    event = decoder.decode(price('"83091.7000000000001"'), 1)[0]
    assert event.flags & INEXACT
    assert decoder.counters["inexact"] == 1
    assert not decoder.decode(price('"83091.7000000000000000"'), 1)[0].flags & INEXACT
    assert decoder.counters["inexact"] == 1


def test_valid_but_absurd_values_are_delivered(impl: ModuleType) -> None:
    crossed = impl.Decoder(SPOT_MARKET_DATA).decode(swap(SPOT["quote"], b'"25.35190000"', b'"999999999999"'), 1)[0]
    assert crossed.bid_price > crossed.ask_price
    assert (
        impl.Decoder(USDM_MARKET_DATA).decode(swap(TRADE, b'"q":"0.022"', b'"q":"1000000000000"'), 1)[0].quantity
        == 1e12
    )


def test_an_empty_side_of_a_quote_is_no_error(impl: ModuleType) -> None:
    payload = swap(swap(QUOTE, b'"83091.60"', b'"0.00"'), b'"4.215"', b'"0"')
    event = impl.Decoder(USDM_MARKET_DATA).decode(payload, 1)[0]
    assert (event.bid_price, event.bid_quantity) == (0.0, 0.0)
