"""Seed 5, circuit breaker: the snippet as it stands there but for its import line, and what it must do."""

from __future__ import annotations

import textwrap
from typing import Any

import pytest

from snippets import run

SNIPPET = """
from tradewire import CircuitBreaker, circuit_breaker

# Method 1: Using the decorator
@circuit_breaker(name="api_operations", failure_threshold=3, reset_timeout=60.0)
async def call_api():
    # Your API call here
    pass

# Method 2: Using the class directly
breaker = CircuitBreaker(
    name="exchange_api",
    failure_threshold=5,
    reset_timeout=30.0,
    half_open_max_requests=2,
    success_threshold=3
)

async def make_request():
    try:
        result = await breaker.execute(api_client.get_data)
        return result
    except Exception as e:
        # Handle the exception
        pass
"""


class ApiClient:
    """The snippet's client."""

    def __init__(self) -> None:
        self.calls = 0
        self.fails = False

    async def get_data(self) -> str:
        self.calls += 1
        if self.fails:
            raise ConnectionResetError
        return "data"


@pytest.fixture
def seed() -> dict[str, Any]:
    return run(textwrap.dedent(SNIPPET), api_client=ApiClient())


async def test_both_ways_of_use(seed: dict[str, Any]) -> None:
    assert await seed["call_api"]() is None
    assert seed["call_api"].breaker.name == "api_operations"
    assert await seed["make_request"]() == "data"


async def test_five_failures_in_a_row_stop_the_calls(seed: dict[str, Any]) -> None:
    client = seed["api_client"]
    client.fails = True
    for _ in range(20):
        assert await seed["make_request"]() is None
    assert client.calls == 5
    assert seed["breaker"].state == "open"
