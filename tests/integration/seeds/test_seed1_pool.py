"""Seed 1, connection pool: its snippets as they stand there but for import lines (the latency monitor's lines are left
out), against a venue on loopback.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from snippets import run, run_async
from tradewire import OrderRequest
from tradewire.errors import FeedConnectionError
from trading_api import LoopbackVenue, client_of

SECRET = "your_secret_here"  # noqa: S105 - of a venue on loopback

POOL = """
from tradewire import ConnectionPool

pool = ConnectionPool(
    api_class=MyTradingAPI,
    config=api_config,
    min_connections=3,
    max_connections=10
)

await pool.initialize()

# Execute operations using pooled connections
result = await pool.execute_with_connection(
    lambda api: api.place_order(order)
)
"""

TUNING = """
# High-frequency trading setup
pool = ConnectionPool(
    api_class=MyTradingAPI,
    config=config,
    min_connections=5,      # Keep more connections warm
    max_connections=20,     # Allow more concurrent operations
    health_check_interval=10  # Check health more frequently
)
"""

STATISTICS = """
stats = pool.get_pool_stats()
print(f"Active connections: {stats['total_connections']}")
print(f"Requests handled: {stats['total_requests']}")
print(f"Average health: {stats['average_health_score']}")
"""

BASIC = """
import asyncio
from tradewire import ConfigLoader, ConnectionPool, OrderRequest

async def main():
    # Load configuration
    config_loader = ConfigLoader("config/trading_apis.yaml")
    config = await config_loader.load_config()

    # Create connection pool
    pool = ConnectionPool(
        api_class=MyTradingAPI,
        config=config.apis['alpaca'].dict(),
        min_connections=3,
        max_connections=10
    )
    await pool.initialize()

    # Place an order
    order = OrderRequest(
        symbol="AAPL",
        quantity=100,
        side="buy",
        order_type="limit",
        price=150.00
    )

    # Execute with monitoring
    try:
        response = await pool.execute_with_connection(
            lambda api: api.place_order(order)
        )
        print(f"Order placed: {response.order_id}")
    except Exception as e:
        print(f"Error: {e}")

    # Cleanup
    await pool.shutdown()
"""

ADVANCED = """
from tradewire import ConfigLoader, ConnectionPool

async def robust_trading_session():
    \"\"\"Example of robust trading session with full error handling\"\"\"

    # Initialize components
    config_loader = ConfigLoader("config/trading_apis.yaml")
    config = await config_loader.load_config()

    pool = ConnectionPool(
        api_class=MyTradingAPI,
        config=config.apis['alpaca'].dict()
    )
    pool.set_error_handler(handle_connection_error)

    try:
        await pool.initialize()

        # Trading operations...
        await trading_operations(pool)

    except Exception as e:
        print(f"Session error: {e}")
    finally:
        await pool.shutdown()

async def handle_connection_error(error, metrics):
    \"\"\"Handle connection errors\"\"\"
    print(f"Connection error: {error}")
    # Implement retry logic, failover, etc.
"""

CONFIG = """
apis:
  alpaca:
    provider: "alpaca"
    enabled: true
    credentials:
      api_key: "${ALPACA_API_KEY}"
      secret_key: "${ALPACA_SECRET_KEY}"
    settings:
      use_paper_trading: false
"""

ORDER = OrderRequest(symbol="AAPL", quantity=100, side="buy", order_type="limit", price=150.00)


@pytest.fixture
async def venue(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[LoopbackVenue]:
    """The venue, and a folder with the documents' configuration."""
    (tmp_path / "config").mkdir()
    (tmp_path / "config" / "trading_apis.yaml").write_text(CONFIG)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("ALPACA_API_KEY", "your_key_here")
    monkeypatch.setenv("ALPACA_SECRET_KEY", SECRET)
    async with LoopbackVenue(SECRET).running() as venue:
        yield venue


async def test_pool_and_statistics(venue: LoopbackVenue, capsys: pytest.CaptureFixture[str]) -> None:
    api_config = {"provider": "alpaca", "credentials": {"api_key": "k", "secret_key": SECRET}}
    names = await run_async(POOL, MyTradingAPI=client_of(venue), api_config=api_config, order=ORDER)
    assert names["result"].order_id == "1"
    assert len(venue.connections) == 3, "warmed"
    run(STATISTICS, pool=names["pool"])
    assert capsys.readouterr().out == "Active connections: 3\nRequests handled: 1\nAverage health: 1.0\n"
    await names["pool"].shutdown()


def test_tuning() -> None:
    from tradewire import ConnectionPool

    pool = run(TUNING, ConnectionPool=ConnectionPool, MyTradingAPI=object, config={})["pool"]
    settings = pool.settings
    assert (settings.min_connections, settings.max_connections, settings.health_check_interval) == (5, 20, 10)


async def test_basic_usage(venue: LoopbackVenue, capsys: pytest.CaptureFixture[str]) -> None:
    main = run(BASIC, MyTradingAPI=client_of(venue))["main"]
    await main()
    assert capsys.readouterr().out == "Order placed: 1\n"
    assert venue.orders["1"]["quantity"] == "100"
    venue.down = True
    await main()
    assert capsys.readouterr().out == "Error: HTTP 503\n"
    assert len(venue.orders) == 1


async def test_advanced_usage(venue: LoopbackVenue, capsys: pytest.CaptureFixture[str]) -> None:
    async def trading_operations(pool: Any) -> None:
        venue.down = True
        with contextlib.suppress(FeedConnectionError):
            await pool.execute_with_connection(lambda api: api.place_order(ORDER))
        for _ in range(20):
            await asyncio.sleep(0)
        raise RuntimeError("enough")

    names = run(ADVANCED, MyTradingAPI=client_of(venue), trading_operations=trading_operations)
    await names["robust_trading_session"]()
    assert capsys.readouterr().out == "Connection error: HTTP 503\nSession error: enough\n"


async def test_advanced_usage_without_a_venue(venue: LoopbackVenue, capsys: pytest.CaptureFixture[str]) -> None:
    gone = type("MyTradingAPI", (client_of(venue),), {"base_url": "http://127.0.0.1:1"})
    await run(ADVANCED, MyTradingAPI=gone)["robust_trading_session"]()
    printed = capsys.readouterr().out.splitlines()
    assert printed[-1].startswith("Session error: pool MyTradingAPI: no connection could be opened")
