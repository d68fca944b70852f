"""Metrics over HTTP, read with Prometheus' own parser."""

from __future__ import annotations

import asyncio
import subprocess
import sys
import threading
import urllib.request
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.parser import text_string_to_metric_families

from tradewire import CircuitBreaker, ConnectionPool
from tradewire.monitoring import MetricsCollector, prometheus, start_metrics_server
from tradewire.monitoring.families import Family
from tradewire.monitoring.parts import Part, read_parts
from tradewire.sim import SimProcess
from tradewire.streaming import FeedState, StreamingGateway


def scrape(url: str) -> dict[str, Any]:
    with urllib.request.urlopen(url, timeout=20) as response:  # noqa: S310 - http, on loopback
        text = response.read().decode()
    return {family.name: family for family in text_string_to_metric_families(text)}


def sample(families: dict[str, Any], family: str, **labels: str) -> float:
    (found,) = [each.value for each in families[family].samples if each.labels == labels]
    return float(found)


async def test_a_running_gateway_is_scraped(eventually: Any) -> None:
    with SimProcess(rate=500) as sim:
        gateway = StreamingGateway(
            url=sim.stream_url, rest_url=sim.rest_url, symbols=["BTCUSDT"], channels=["trades", "book"]
        )
        with start_metrics_server(gateway, 0) as server:
            async with gateway:
                await eventually(lambda: all(feed.state is FeedState.LIVE for feed in gateway.feeds()))
                found = await asyncio.to_thread(scrape, server.url)
            after = await asyncio.to_thread(scrape, server.url)
    assert sample(found, "tradewire_responding") == 1
    assert sample(found, "tradewire_messages", provider="binance", kind="trade") > 0
    assert sample(found, "tradewire_feed_state", provider="binance", channel="book", state="live") == 1
    assert sample(found, "tradewire_active_connections", provider="binance") == 1
    assert sample(found, "tradewire_latency_seconds", provider="binance", hop="queue", quantile="0.99") > 0
    counts = [each for each in found["tradewire_connection_latency_seconds"].samples if each.name.endswith("_count")]
    assert [each.value for each in counts] == [1]
    assert found["tradewire_bytes"].type == "counter"
    assert found["tradewire_feed_state"].documentation
    assert sample(after, "tradewire_active_connections", provider="binance") == 0, "after the end, too"


def test_a_gateway_that_does_not_run_is_scraped() -> None:
    server = start_metrics_server(StreamingGateway(), 0, "localhost")
    assert sample(scrape(server.url), "tradewire_messages", provider="binance", kind="trade") == 0
    server.close()
    server.close()
    assert not [thread for thread in threading.enumerate() if thread is server._thread]
    with pytest.raises(OSError, match="refused"):
        scrape(server.url)


async def test_an_event_loop_that_hangs_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(prometheus, "_PATIENCE_S", 0.01)
    gateway = StreamingGateway(url="ws://127.0.0.1:9", rest_url="http://127.0.0.1:9")
    registry = CollectorRegistry()
    registry.register(MetricsCollector(gateway))
    async with gateway:
        texts: list[bytes] = []
        thread = threading.Thread(target=lambda: texts.append(generate_latest(registry)))
        thread.start()
        thread.join()  # holds the loop up, which is what is tested
        assert b"tradewire_responding 0.0" in texts[0]
        assert b"tradewire_messages" not in texts[0]
        assert b"tradewire_messages" in generate_latest(registry), "on the loop itself it is read at once"


async def test_what_goes_wrong_in_reading_fails_the_scrape(monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_: object) -> list[object]:
        raise KeyError("bug")

    monkeypatch.setattr(prometheus, "read_gateway", broken)
    gateway = StreamingGateway(url="ws://127.0.0.1:9", rest_url="http://127.0.0.1:9")
    async with gateway:
        with pytest.raises(KeyError):
            await asyncio.to_thread(lambda: list(MetricsCollector(gateway).collect()))


async def test_parts_are_served_with_a_gateway_and_without() -> None:
    breaker = CircuitBreaker(failure_threshold=1)
    async with ConnectionPool(api_class=object, min_connections=2, max_connections=5) as pool:
        await pool.execute("__str__")
        breaker.failed(breaker.admit(), OSError())
        for gateway in (StreamingGateway(), None):
            with start_metrics_server(gateway, 0, also={"orders": pool, "queries": breaker}) as server:
                found = await asyncio.to_thread(scrape, server.url)
            assert ("tradewire_messages" in found) is (gateway is not None)
            assert sample(found, "tradewire_pool_requests", pool="orders") == 1
            assert sample(found, "tradewire_pool_connections", pool="orders") == 2
            assert sample(found, "tradewire_circuit_breaker_state", breaker="queries", state="open") == 1
            assert found["tradewire_pool_requests"].type == "counter"
            assert "tradewire_limiter_granted" not in found, "no limiter was given"


async def test_parts_are_read_on_the_event_loop(monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[threading.Thread] = []

    def read(parts: Mapping[str, Part]) -> list[Family]:
        seen.append(threading.current_thread())
        return read_parts(parts)

    monkeypatch.setattr(prometheus, "read_parts", read)
    collector = MetricsCollector(None, {"queries": CircuitBreaker()})
    await asyncio.to_thread(lambda: list(collector.collect()))
    assert seen == [threading.current_thread()]
    with start_metrics_server(None, 0, also={"queries": CircuitBreaker()}) as server:
        await asyncio.to_thread(scrape, server.url)
    assert seen == [threading.current_thread()] * 2


def test_what_has_no_metrics_is_refused() -> None:
    also: Any = {"desk": object()}
    with pytest.raises(TypeError, match=r"part desk must be one of ConnectionPool, .*; was object"):
        start_metrics_server(None, 0, also=also)


@pytest.mark.parametrize("host", ["0.0.0.0", "", "::", "192.168.1.7", "example.com"])  # noqa: S104 - refused
def test_nobody_else_may_read_them(host: str) -> None:
    with pytest.raises(ValueError, match=r"must be 127.0.0.1, localhost or ::1, was .*put a proxy"):
        start_metrics_server(StreamingGateway(), 0, host)


def test_a_taken_port_is_an_error() -> None:
    with start_metrics_server(StreamingGateway(), 0) as server, pytest.raises(OSError, match="in use"):
        start_metrics_server(StreamingGateway(), int(server.url.split(":")[2].split("/")[0]))


def test_no_secret_is_served(tmp_path: Path) -> None:
    path = tmp_path / "streaming.yaml"
    path.write_text(
        "credentials: {desk: {api_key: canary-key, secret_key: canary-secret}}\n"
        "streaming:\n  symbols: [BTCUSDT]\n  providers:\n"
        "    - {name: binance, auth_method: api_key, credential: desk, subscriptions: [trades],\n"
        "       websocket_url: 'ws://127.0.0.1:9/', rest_url: 'http://127.0.0.1:9'}\n"
    )
    path.chmod(0o600)
    gateway = StreamingGateway(path)
    gateway.managers["binance"].alert("", "", "canary-secret")
    registry = CollectorRegistry()
    registry.register(MetricsCollector(gateway))
    text = generate_latest(registry)
    assert b"tradewire_alerts_total 1.0" in text
    assert b"canary" not in text


def test_the_library_is_loaded_when_it_is_used() -> None:
    script = "import sys, tradewire.monitoring; assert 'prometheus_client' not in sys.modules"
    subprocess.run([sys.executable, "-c", script], check=True)
