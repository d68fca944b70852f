"""Seed 5, connection pool: the snippet as it stands there but for its import line, and what it must do."""

from __future__ import annotations

from typing import Any

from snippets import run_async

SNIPPET = """
from tradewire import ConnectionPool

# Create a client factory function
def create_client():
    # Return a new client instance
    return ApiClient()

# Initialize the pool
pool = ConnectionPool(
    name="exchange_pool",
    create_client_func=create_client,
    config={
        "min_connections": 2,
        "max_connections": 10,
        "connection_timeout": 10,
        "idle_timeout": 60
    }
)

# Initialize the pool
await pool.initialize()

# Execute operations through the pool
result = await pool.execute("get_market_data", "BTC/USDT")
"""

#: From the integration example.
SHORT = """
connection_pool = ConnectionPool(
    name="nobitex_pool",
    create_client_func=lambda: NobitexClient(),
    config={"min_connections": 2, "max_connections": 5}
)
await connection_pool.initialize()
await connection_pool.stop()
"""


class ApiClient:
    """The snippet's client: knows nothing of pools."""

    async def get_market_data(self, symbol: str) -> dict[str, Any]:
        return {"symbol": symbol, "price": 65_000.0}


async def test_connection_pool() -> None:
    found = await run_async(SNIPPET, ApiClient=ApiClient)
    assert found["result"] == {"symbol": "BTC/USDT", "price": 65_000.0}
    stats = found["pool"].get_pool_stats()
    assert (stats["name"], stats["total_connections"], stats["total_requests"]) == ("exchange_pool", 2, 1)
    await found["pool"].stop()


async def test_integration_example() -> None:
    from tradewire import ConnectionPool

    found = await run_async(SHORT, ConnectionPool=ConnectionPool, NobitexClient=ApiClient)
    assert found["connection_pool"].get_pool_stats()["total_connections"] == 0
