"""Arguments of a gateway that a configuration would refuse are refused in its words."""

from __future__ import annotations

import re
import subprocess
import sys
from typing import Any

import pytest

from tradewire.config import ConnectionPoolConfig, ProviderConfig, StreamingConfig
from tradewire.errors import UnsupportedError
from tradewire.streaming import StreamingGateway
from tradewire.streaming.arguments import check_arguments, texts_of
from tradewire.venues.registry import load


@pytest.mark.parametrize(
    ("name", "value", "said"),
    [
        ("queue_capacity", 0, "must be an integer from 1 to 100,000,000, was 0"),
        ("queue_capacity", 2.5, "must be an integer from 1 to 100,000,000, was 2.5"),
        ("ring_capacity", 3, "must be an integer from 64 to 67,108,864 (records), was 3"),
        ("ring_capacity", 1 << 27, "must be an integer from 64 to 67,108,864 (records), was 134217728"),
        ("open_timeout_s", 0, "must be a number from 0.1 to 600 (seconds), was 0"),
        ("open_timeout_s", float("nan"), "must be a number from 0.1 to 600 (seconds), was nan"),
        ("loop", "fast", "must be one of sleep, spin, was 'fast'"),
        ("stale_after_s", {"quotes": 1, "trades": -1}, ".trades must be a number from 0.1 to 86,400 (seconds), was -1"),
        ("stale_after_s", 5, "must be a mapping from channel to a number from 0.1 to 86,400 (seconds), was 5"),
    ],
)
def test_what_is_refused_when_the_gateway_is_made(name: str, value: Any, said: str) -> None:
    expected = f"{name}{said}" if said.startswith(".") else f"{name} {said}"
    options: dict[str, Any] = {name: value}
    with pytest.raises(ValueError, match=f"^{re.escape(expected)}$"):
        StreamingGateway(**options)


@pytest.mark.parametrize(
    ("name", "make", "value"),
    [
        ("queue_capacity", lambda value: StreamingConfig(buffer_size=value), 100_000_001),
        ("loop", lambda value: StreamingConfig(loop=value), "never"),
        ("open_timeout_s", lambda value: ConnectionPoolConfig(connection_timeout=value), 601),
        ("stale_after_s", lambda value: ProviderConfig(name="p", stale_after=value), {"trades": 86_401}),
    ],
)
def test_the_configuration_says_the_same(name: str, make: Any, value: Any) -> None:
    with pytest.raises(ValueError, match="must be") as configured:
        make(value)
    with pytest.raises(ValueError, match="must be") as given:
        check_arguments({name: value})
    said = str(configured.value).partition("must be")[2]
    assert said == str(given.value).partition("must be")[2].rpartition(", was ")[0]


def test_what_passes() -> None:
    check_arguments({})
    check_arguments(dict.fromkeys(("ring_capacity", "queue_capacity", "stale_after_s", "open_timeout_s", "loop")))
    check_arguments({"ring_capacity": 64, "queue_capacity": 1, "stale_after_s": {"trades": 0.1}, "loop": "spin"})
    check_arguments({"open_timeout_s": 0.1, "venue": "of no interest here", "stale_after_s": {}})


def test_channels_of_stale_after_are_those_of_the_venue() -> None:
    with pytest.raises(UnsupportedError, match=r"^stale_after_s: binance has no channel 'nochan'"):
        StreamingGateway(stale_after_s={"nochan": 1})
    settings = StreamingGateway(stale_after_s={"bars": 5}).managers["binance"].settings
    assert settings.stale_after_s == {"bars_1m": 5}


def test_symbols_without_channels_stream_what_the_venue_has_by_default() -> None:
    gateway = StreamingGateway(symbols=["BTCUSDT"])
    wanted = sorted(name for link in gateway.links for name in link.wanted)
    assert wanted == ["btcusdt@bookTicker", "btcusdt@depth@100ms", "btcusdt@trade"]
    assert load("binance").default_channels == ("trades", "quotes", "book")
    with pytest.raises(ValueError, match="symbol must be like"):
        StreamingGateway(symbols=["BTC USDT"])


def test_an_empty_list_of_symbols_or_channels_is_a_mistake() -> None:
    with pytest.raises(ValueError, match=r"^channels must name at least one channel, was empty; leave it out for tr"):
        StreamingGateway(symbols=["BTCUSDT"], channels=[])
    with pytest.raises(ValueError, match=r"^symbols must name at least one symbol for channel 'trades', was empty"):
        StreamingGateway(symbols=[])


def test_a_single_text_is_one_and_what_is_no_text_is_told_at_once() -> None:
    assert texts_of("symbols", "BTCUSDT") == ["BTCUSDT"]
    assert texts_of("symbols", iter(("b", "a", "b"))) == ["b", "a"]
    said = r"^symbols must be texts, was 5, None$"
    symbols: Any = ["BTCUSDT", 5, None]
    with pytest.raises(TypeError, match=said):
        StreamingGateway(symbols=symbols)
    with pytest.raises(TypeError, match=said):
        StreamingGateway().subscribe("trades", symbols)
    with pytest.raises(TypeError, match=r"^channels must be texts, was 5$"):
        StreamingGateway(symbols=["BTCUSDT"], channels=[5])  # type: ignore[list-item]


def test_a_gateway_without_them_does_not_load_the_configuration() -> None:
    script = "import sys; from tradewire import StreamingGateway; StreamingGateway(); print(*sys.modules)"
    loaded = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True).stdout.split()
    assert "tradewire.config" not in loaded
