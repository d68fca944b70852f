"""The snippets of the how-to run as they stand there, against a peer that answers."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest

from snippets import blocks, run


class Peer:
    """Answers everything the snippets ask."""

    def __init__(self) -> None:
        self.fails = False

    async def get_balance(self) -> str:
        if self.fails:
            raise ConnectionResetError
        return "balance"

    async def get_positions(self) -> str:
        return "positions"

    async def open_orders(self) -> str:
        return "orders"

    async def delete(self, order_id: int) -> Any:
        return SimpleNamespace(status=200, headers={"x-mbx-used-weight-1m": "700"})

    async def get(self, what: str) -> Any:
        return SimpleNamespace(status=429, seconds=0.1, retry_after_s=3.0)


@pytest.fixture
def page() -> dict[str, Any]:
    return run("".join(blocks("breaker-and-limits.md")))


async def test_breaker(page: dict[str, Any], capsys: pytest.CaptureFixture[str]) -> None:
    peer = Peer()
    assert await page["balance"](peer) == "balance"
    assert await page["positions"](peer) == "positions"
    peer.fails = True
    for _ in range(5):
        with pytest.raises(ConnectionResetError):
            await page["balance"](peer)
    await page["balance"](peer)
    assert capsys.readouterr().out == "not asked; try again in 30 s\n"


async def test_limits(page: dict[str, Any]) -> None:
    await page["cancel"](Peer(), 1)
    assert page["limits"].statistics("venue").quotas["weight"].used == 700
    await page["ask"](Peer(), "x")
    assert page["limiter"].current_rate == 50
    assert page["limiter"].try_acquire() == pytest.approx(3.0, abs=0.1)


async def test_retry(page: dict[str, Any]) -> None:
    assert await page["open_orders"](Peer()) == "orders"
