"""Scoreboard row 11: reconnect storm, retry budget, overflow, a server that accepts and closes. All in virtual time,
but for a thousand gateways on real connections and a custom provider on real ones without the waits between them."""

from __future__ import annotations

import asyncio
import heapq
from collections import Counter
from dataclasses import dataclass
from random import Random
from typing import TYPE_CHECKING, Any

import pytest
from websockets.asyncio.server import ServerConnection, serve

from faulty_venues import is_live, open_venue
from tradewire.streaming import ConnectionChanged, ConnectionState, StreamingGateway, attempts
from tradewire.transport.policy.backoff import Backoff
from tradewire.transport.policy.retry import RetryBudget, RetryPolicy, RetryRun
from tradewire.venues.adapter import DataProviderAdapter
from waiting import until

if TYPE_CHECKING:
    from campaign import Campaign

pytestmark = pytest.mark.timeout(600)
SECOND = 1_000_000_000
BIN_NS = SECOND // 10
MINUTE = 60 * SECOND


def test_reconnect_storm_spreads(campaign: Campaign) -> None:
    """All clients are dropped at once and the server stays down: the wave of first attempts is flat, and so are the
    next two; the later ones, spread by the jitter of all before them, never load a bin as much as the first did.
    """
    clients, waves = campaign.size(2_000, 10_000), 10
    at_ns: list[list[int]] = [[] for _ in range(waves)]
    for _ in range(clients):
        backoff, now_ns = Backoff(Random(campaign.random.getrandbits(64))), 0
        for wave in at_ns:
            now_ns += backoff.next_delay_ns()
            wave.append(now_ns)
    bins = [Counter(one // BIN_NS for one in wave) for wave in at_ns]
    peaks = [max(one.values()) for one in bins]
    means = [clients / (max(one) - min(one) + 1) for one in bins]
    worst = max(peak / mean for peak, mean in zip(peaks[:3], means, strict=False))
    assert worst <= 3
    assert max(peaks[1:]) <= 1.2 * peaks[0]
    assert max(peaks[3:]) <= means[0]
    campaign.passed(11, clients, f"{clients:,} clients dropped at once: peak 100 ms bin {worst:.2f}x the wave's mean")


async def test_a_thousand_gateways_come_back_spread_and_capped(campaign: Campaign) -> None:
    """All are cut at once, and the venue refuses the first who return: waits spread, attempts few, all are back."""
    clients = campaign.size(100, 1_000)
    waits: list[list[int]] = [[], []]
    async with open_venue("binance", rate=50) as place:

        def note(event: Any) -> None:
            if isinstance(event, ConnectionChanged) and event.state is ConnectionState.RECONNECTING:
                waits[min(event.attempt, 1)].append(event.retry_in_ns)

        gateways = [
            place.gateway(
                channels=["trades"],
                ring_capacity=256,
                queue_capacity=16,
                random=Random(campaign.random.getrandbits(64)),
            )
            for _ in range(clients)
        ]
        try:
            for gateway in gateways:
                # A clock for each would be as many requests again.
                gateway.managers["binance"]._rest._clock.start = lambda: None  # type: ignore[method-assign]
                await gateway.start()
            await until(lambda: len(place.sim.streams.sessions) == clients, 120)
            await until(lambda: all(is_live(gateway) for gateway in gateways), 120)
            for gateway in gateways:
                gateway.on_status(note)
            refused = place.sim.chaos.refuse_connect(503, n=clients // 2)
            tried = 0
            handshake = place.sim.chaos.handshake

            def counted() -> Any:
                nonlocal tried
                tried += 1
                return handshake()

            place.sim.chaos.handshake = counted
            place.sim.chaos.disconnect()
            await until(lambda: refused.injected == clients // 2, 120)
            await until(lambda: all(is_live(gateway) for gateway in gateways), 120)
            assert place.subscriptions() == sorted(name for gateway in gateways for name in place.wanted(gateway))
        finally:
            await asyncio.gather(*(gateway.stop() for gateway in gateways))
    first, second = waits
    assert len(first) == clients
    assert len(second) == clients // 2
    assert tried == len(first) + len(second), "one attempt for each wait, no other"
    bins = Counter(wait // 100_000_000 for wait in first)
    ratio = max(bins.values()) / (clients / 5)
    assert set(bins) == set(range(5)), "spread over the first half second"
    assert ratio <= 3
    assert all(800_000_000 <= wait <= 1_200_000_000 for wait in second)
    figure = (
        f"{clients:,} gateways cut at once: peak 100 ms bin {ratio:.2f}x the mean, {tried / clients:.2f} attempts each"
    )
    campaign.passed(11, clients, figure)


def test_total_failure_adds_at_most_a_tenth(campaign: Campaign) -> None:
    """Everything fails for ten minutes; all callers share one budget."""
    minutes, per_s, random = 10, campaign.size(20, 200), campaign.random
    budget, policy = RetryBudget(), RetryPolicy(attempts=10)
    events = [(int(number * SECOND / per_s), number, None) for number in range(minutes * 60 * per_s)]
    calls, attempts, number = len(events), 0, len(events)
    heap: list[tuple[int, int, RetryRun | None]] = list(events)
    heapq.heapify(heap)
    while heap:
        now_ns, _, run = heapq.heappop(heap)
        if now_ns > minutes * MINUTE:
            break
        run = run or RetryRun(policy, budget, random, now_ns)
        attempts += 1
        delay_ns = run.next_delay_ns(now_ns)
        if delay_ns is not None:
            number += 1
            heapq.heappush(heap, (now_ns + delay_ns, number, run))
    assert calls < attempts <= 1.1 * calls
    campaign.passed(11, attempts, f"10 min of failure: {attempts / calls:.3f}x the base load")


def test_any_number_of_attempts_gives_a_finite_delay(campaign: Campaign) -> None:
    attempts = campaign.size(20_000, 1_000_000)
    backoff = Backoff(Random(campaign.seed))
    budget = RetryBudget(1.0, 100)
    run = RetryRun(RetryPolicy(attempts=10**9), budget, Random(campaign.seed), 0)
    for attempt in range(attempts + 1):
        assert 0 <= backoff.next_delay_ns() <= 120 * SECOND
        budget.earn()
        run.attempts = max(attempt, 1)
        delay_ns = run.next_delay_ns(0)
        assert delay_ns is not None
        assert 0 <= delay_ns <= 20 * SECOND
    campaign.passed(11, attempts, f"attempts 0..{attempts:,}: delay finite, 0..cap")


def test_accept_then_close_cannot_spin(campaign: Campaign) -> None:
    """A server that accepts and closes at once never earns a reset of the backoff."""
    clients, worst = campaign.size(500, 10_000), 0
    for _ in range(clients):
        backoff, now_ns, attempts = Backoff(Random(campaign.random.getrandbits(64))), 0, []
        while now_ns < 10 * MINUTE:
            now_ns += backoff.next_delay_ns()
            attempts.append(now_ns)
        worst = max(worst, _most_in_a_minute(attempts))
    assert worst <= 20
    campaign.passed(11, clients, f"accept then close: at most {worst} attempts in any minute")


def _most_in_a_minute(at_ns: list[int]) -> int:
    return max(sum(start_ns <= one < start_ns + MINUTE for one in at_ns) for start_ns in at_ns)


@dataclass
class Raw(DataProviderAdapter):
    """A custom provider by its one method: each of its messages is delivered as it is."""

    name: str = "raw"

    def _build_subscribe_message(self, channel: str, symbols: list[str]) -> dict[str, Any]:
        return {"channel": channel, "symbols": symbols}


@dataclass
class Reading(Raw):
    """One that tells answers from events."""

    name: str = "reading"

    def is_control(self, data: Any) -> bool:
        return "status" in data

    def _parse_message(self, data: Any) -> Any:
        return data["trades"]


async def test_a_custom_provider_that_closes_cannot_spin(
    campaign: Campaign, monkeypatch: pytest.MonkeyPatch, eventually: Any
) -> None:
    """Accepts, answers with an error and closes: over the plain driver nothing of it earns a reset of the backoff."""
    delays_ns: list[int] = []

    class Noted(Backoff):
        def next_delay_ns(self) -> int:
            delays_ns.append(super().next_delay_ns())
            return 0

    answer = ""

    async def refuse(connection: ServerConnection) -> None:
        await connection.recv()
        await connection.send(answer)

    monkeypatch.setattr(attempts, "Backoff", Noted)
    trials, worst = campaign.size(1, 20), 0
    every = [(Raw, "no"), (Raw, '{"error": 1}'), (Reading, '{"status": "no"}'), (Reading, "no"), (Reading, "{}")]
    async with serve(refuse, "127.0.0.1", 0) as server:
        url = f"ws://127.0.0.1:{server.sockets[0].getsockname()[1]}"
        for adapter, answer in every * trials:  # noqa: B007 - the server gives it
            monkeypatch.setitem(StreamingGateway.AdapterMap, adapter.name, adapter)
            delays_ns.clear()
            gateway = StreamingGateway(venue=adapter.name, url=url, random=Random(campaign.random.getrandbits(64)))
            gateway.subscribe_to_trades(["A"], lambda _: None)
            async with gateway:
                # Where each connection resets the backoff, ten minutes would take thousands of them.
                await eventually(lambda: sum(delays_ns) > 10 * MINUTE or len(delays_ns) > 200)
            assert gateway.counters["messages"] + gateway.counters["decode_errors"] >= len(delays_ns)
            worst = max(worst, _most_in_a_minute([sum(delays_ns[:number]) for number in range(1, len(delays_ns) + 1)]))
    assert worst <= 20
    campaign.passed(11, len(every) * trials, f"custom provider, error then close: at most {worst} attempts in a minute")
