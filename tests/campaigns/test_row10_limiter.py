"""Scoreboard row 10: no window over its limit, good use of what is allowed, no bans, cancels that do not starve."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import pytest

import virtual_time
from tradewire.transport.adaptive_limit import AdaptiveRateLimiter
from tradewire.transport.policy.limiter import Limiter
from tradewire.transport.policy.quota import Priority, Quota, VenueLimits
from tradewire.transport.rate_limit import RateLimitManager

if TYPE_CHECKING:
    from random import Random

    from campaign import Campaign

pytestmark = pytest.mark.timeout(900)
SECOND = 1_000_000_000


def _quota(random: Random, *, margin: float) -> Quota:
    limit = random.randint(25, 500)
    burst = random.choice([None, 1, random.randint(1, limit // 5)])
    per_s = random.choice([0.1, 1.0, 10.0, 60.0, 86_400.0, random.uniform(0.05, 3_600)])
    return Quota(
        name="q", limit=limit, per_s=per_s, burst=burst, strict=random.random() < 0.3, reserve=0.2, margin=margin
    )


def _most_in_a_window(grants: list[tuple[int, int]], window_ns: int) -> int:
    """The heaviest half-open window of any alignment; it begins with a grant."""
    worst = inside = end = 0
    for start_ns, weight in grants:
        while end < len(grants) and grants[end][0] < start_ns + window_ns:
            inside += grants[end][1]
            end += 1
        worst = max(worst, inside)
        inside -= weight
    return worst


def test_any_window_of_random_quotas(campaign: Campaign) -> None:
    """Half of the quotas under mixed weights, priorities and pauses; half saturated by submits, for the use made."""
    quotas, each, random = campaign.size(40, 200), campaign.size(1_000, 5_000), campaign.random
    asked, least = 0, 1.0
    for number in range(quotas):
        saturated = number % 2 == 0
        quota = _quota(random, margin=0.0 if random.random() < 0.5 else 0.02)
        limiter, window_ns = Limiter([quota]), int(quota.per_s * SECOND)
        now_ns, grants, open_grants = random.randint(0, 10**15), [], []
        start_ns, passed = now_ns, 0
        while passed < each:
            asked += 1
            priority = Priority.SUBMIT if saturated else random.choice(list(Priority))
            weight = 1 if saturated else random.randint(1, max(quota.at_once // 5, 1))
            reserve = priority.may_use_reserve
            ready_ns = limiter.try_take((("q", weight),), now_ns, now_ns, reserve=reserve)
            if ready_ns:
                assert ready_ns > now_ns
                patient = saturated or random.random() < 0.9
                now_ns = ready_ns if patient else now_ns + random.randint(1, window_ns // 3)
                continue
            passed += 1
            grants.append((now_ns, weight))
            if not reserve:
                open_grants.append((now_ns, weight))
            if not saturated:
                now_ns += random.choice([0, 0, window_ns // 2_000, random.randint(0, window_ns // 20)])
        assert _most_in_a_window(grants, window_ns) <= quota.limit, quota
        assert _most_in_a_window(open_grants, window_ns) <= 0.8 * quota.limit, quota
        if saturated:
            windows = max((now_ns - start_ns) / window_ns, 1)
            least = min(least, sum(weight for _, weight in grants) / (windows * int(quota.limit * 0.8)))
    assert least >= 0.95
    figure = f"{asked:,} acquisitions, {quotas} random quotas: 0 windows over, use at least {least:.1%}"
    campaign.passed(10, asked, figure)


class Venue:
    """Counts weight per aligned window; refuses with 429 and Retry-After, bans who goes on asking. Knows no client.

    Requests of the first second after a refusal may have been sent before anybody knew of it.
    """

    def __init__(self, limit: int, window_s: float) -> None:
        self.limit, self.window_s = limit, window_s
        self.window = self.used = self.accepted = self.refusals = self.bans = 0
        self.refused_at = float("-inf")
        self.refused_until = float("-inf")

    def ask(self, weight: int, now: float) -> tuple[int, dict[str, str]]:
        if self.refused_at + 1.0 < now < self.refused_until:
            self.bans += 1
            return 418, {"retry-after": "120"}
        window = int(now // self.window_s)
        if window != self.window:
            self.window, self.used = window, 0
        self.used += weight
        if self.used <= self.limit:
            self.accepted += weight
            return 200, {"x-used": str(self.used)}
        self.refusals += 1
        if now > self.refused_until:
            self.refused_at, self.refused_until = now, (window + 1) * self.window_s
        return 429, {"retry-after": str(int(self.refused_until - now) + 1)}


def _now() -> float:
    return asyncio.get_running_loop().time()


def _limits(venue: Venue) -> VenueLimits:
    quota = Quota(name="weight", limit=venue.limit, per_s=venue.window_s, used_header="x-used")
    return VenueLimits(quotas=(quota,))


async def _client(manager: RateLimitManager, venue: Venue, random: Random, priority: Priority, until: float) -> None:
    while _now() < until:
        await manager.acquire("venue", priority=priority)
        await asyncio.sleep(random.uniform(0.005, 0.025))
        status, headers = venue.ask(1, _now())
        await asyncio.sleep(random.uniform(0.005, 0.025))
        manager.observe("venue", status, headers)


def test_alone_at_a_venue(campaign: Campaign) -> None:
    """Submits fill what is theirs, then queries fill the rest too: at least 95 %, and never a refusal."""
    minutes = campaign.size(2, 20)

    async def main() -> list[float]:
        uses = []
        for priority, share in ((Priority.SUBMIT, 0.8), (Priority.QUERY, 1.0)):
            venue = Venue(1_200, 10.0)
            manager = RateLimitManager({"venue": _limits(venue)}, clock=virtual_time.now_ns)
            start = _now()
            until = start + minutes * 60
            await asyncio.gather(*(_client(manager, venue, campaign.random, priority, until) for _ in range(20)))
            assert (venue.refusals, venue.bans) == (0, 0)
            uses.append(venue.accepted / ((_now() - start) / 10 * 1_200 * share))
        return uses

    uses = virtual_time.run(main())
    assert min(uses) >= 0.95
    trials = int(minutes * 60 * 120 * 1.8)
    campaign.passed(10, trials, f"alone at a venue: 0 refusals, 0 bans, use {min(uses):.1%} of the share")


def test_others_on_the_same_address(campaign: Campaign) -> None:
    """Somebody else uses the limit too: refusals happen, bans do not."""
    minutes, random = campaign.size(5, 60), campaign.random

    async def main() -> Venue:
        venue = Venue(600, 10.0)
        manager = RateLimitManager({"venue": _limits(venue)}, clock=virtual_time.now_ns, wall=virtual_time.now_ns)
        until = _now() + minutes * 60

        async def others() -> None:
            while _now() < until:
                await asyncio.sleep(random.uniform(1, 15))
                now = _now()
                if not venue.refused_at <= now < venue.refused_until:
                    venue.ask(random.randint(1, 500), now)

        clients = (_client(manager, venue, random, priority, until) for priority in list(Priority) * 4)
        await asyncio.gather(others(), *clients)
        return venue

    venue = virtual_time.run(main())
    assert venue.refusals > 0, "the case was reached"
    assert venue.bans == 0
    campaign.passed(10, venue.accepted, f"with others on the address: {venue.refusals} refusals, 0 bans")


def test_a_limit_cut_by_half(campaign: Campaign) -> None:
    """The adaptive limiter settles within two windows of the first refusal, without a ban."""
    runs = campaign.size(2, 20)

    async def main() -> tuple[int, float]:
        venue = Venue(1_200, 60.0)
        limiter = AdaptiveRateLimiter(1_200, campaign.random.randint(1, 100), clock=virtual_time.now_ns)
        start = _now()
        cut = start + campaign.random.uniform(60, 240)
        first: list[float] = []
        late = 0
        accepted = 0

        async def client() -> None:
            nonlocal late, accepted
            while _now() < start + 20 * 60:
                await limiter.acquire()
                await asyncio.sleep(campaign.random.uniform(0.005, 0.05))
                if _now() > cut:
                    venue.limit = 600
                status, headers = venue.ask(1, _now())
                settled = bool(first) and _now() > first[0] + 120
                if status == 429 and not first:
                    first.append(_now())
                late += settled and status == 429
                accepted += settled and status == 200
                wait_s = float(headers["retry-after"]) if status != 200 else None
                limiter.observe(status, latency_s=0.02, retry_after_s=wait_s)

        await asyncio.gather(*(client() for _ in range(4)))
        assert first
        assert venue.bans == 0
        return late, accepted / ((_now() - first[0] - 120) / 60 * 600)

    results = [virtual_time.run(main()) for _ in range(runs)]
    refused, use = max(late for late, _ in results), min(use for _, use in results)
    # Once it has settled it probes for a higher limit every ten windows, at most 4 requests under way each time.
    assert refused <= 8
    assert use >= 0.7
    figure = f"limit cut by half: settled within 2 windows, 0 bans, then {use:.0%} of the new limit used"
    campaign.passed(10, runs, figure)


def test_a_cancel_does_not_wait_for_submits(campaign: Campaign) -> None:
    """Behind 10,000 queued submits a cancel waits for one slot at most."""
    cancels = campaign.size(50, 1_000)

    async def main() -> float:
        quota = Quota(name="orders", limit=300, per_s=10.0, burst=1)
        limits = VenueLimits(quotas=(quota,))
        manager = RateLimitManager({"venue": limits}, clock=virtual_time.now_ns)
        submits = [asyncio.create_task(manager.acquire("venue")) for _ in range(10_000)]
        worst = 0.0
        for _ in range(cancels):
            await asyncio.sleep(campaign.random.uniform(0.2, 0.4))
            start = _now()
            await manager.acquire("venue", priority=Priority.CANCEL)
            worst = max(worst, _now() - start)
            if manager.statistics("venue").waiting < 1_000:
                submits += [asyncio.create_task(manager.acquire("venue")) for _ in range(9_000)]
        for submit in submits:
            submit.cancel()
        await asyncio.gather(*submits, return_exceptions=True)
        return worst

    refill_s = 10.0 / (300 * 0.98)
    worst = virtual_time.run(main())
    assert worst <= refill_s * 1.001
    figure = f"a cancel behind 10,000 submits waits {worst * 1e3:.1f} ms, one refill is {refill_s * 1e3:.1f} ms"
    campaign.passed(10, cancels, figure)
