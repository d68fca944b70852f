"""Tasks waiting for room: order, deadlines, cancellation, what the venue's answers change. Time is a number here."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

import virtual_time
from tradewire.errors import RateLimitError
from tradewire.transport.rate_limit import Priority, Quota, RateLimitManager, VenueLimits

SECOND = 1_000_000_000


class Time:
    """The virtual loop's time since the test began."""

    def __call__(self) -> int:
        return virtual_time.now_ns()

    @property
    def seconds(self) -> float:
        return round(asyncio.get_running_loop().time() - 1_000.0, 6)

    async def move(self, seconds: float) -> None:
        await asyncio.sleep(seconds)
        for _ in range(5):
            await asyncio.sleep(0)


def limits(**changes: Any) -> VenueLimits:
    return VenueLimits(
        quotas=(
            Quota(**{"name": "weight", "limit": 600, "per_s": 60, "margin": 0, "burst": 10, **changes}),
            Quota(name="orders", limit=5, per_s=10, strict=True, reserve=0.2, used_header="x-orders"),
        )
    )


def manager(time: Time, **changes: Any) -> RateLimitManager:
    return RateLimitManager(
        {"venue": limits(used_header="x-used", remaining_header="x-left", **changes)},
        clock=time,
        wall=lambda: 1_700_000_000 * SECOND + 20 * SECOND,
        max_waiting=50,
    )


class Tasks:
    """Starts waiting requests and notes when each got through."""

    def __init__(self, time: Time, given: RateLimitManager) -> None:
        self.time, self.given = time, given
        self.done: list[tuple[str, float]] = []

    def ask(self, name: str, key: str = "venue/weight", weight: Any = 1, **options: Any) -> asyncio.Task[None]:
        async def run() -> None:
            await self.given.acquire(key, weight, **options)
            self.done.append((name, self.time.seconds))

        return asyncio.create_task(run())


@virtual_time.in_virtual_time
async def test_waits_in_order_and_spreads() -> None:
    time = Time()
    tasks = Tasks(time, manager(time, reserve=0))
    running = [tasks.ask(str(number)) for number in range(13)]
    await time.move(0)
    assert len(tasks.done) == 10, "the burst goes at once"
    await time.move(1)
    assert tasks.done[10:] == [("10", 0.1), ("11", 0.2), ("12", 0.3)]
    await asyncio.gather(*running)


@virtual_time.in_virtual_time
async def test_cancels_go_first_and_use_the_reserve() -> None:
    time = Time()
    tasks = Tasks(time, manager(time))
    running = [tasks.ask(str(number)) for number in range(20)]
    await time.move(0.1)
    running.append(tasks.ask("cancel", priority=Priority.CANCEL))
    await time.move(0)
    assert tasks.done[-1] == ("cancel", 0.1)
    await time.move(5)
    await asyncio.gather(*running)


@virtual_time.in_virtual_time
async def test_several_quotas_all_or_nothing() -> None:
    time = Time()
    given = manager(time)
    for _ in range(4):
        await given.acquire("venue", {"weight": 1, "orders": 1})
    assert given.try_acquire("venue", {"orders": 1, "weight": 1}) == pytest.approx(10)
    assert given.statistics("venue").quotas["weight"].used == 4


@virtual_time.in_virtual_time
async def test_a_deadline_is_an_error_and_takes_nothing() -> None:
    time = Time()
    given = manager(time)
    tasks = Tasks(time, given)
    await given.acquire("venue/weight", 10)
    late = tasks.ask("late", weight=10, timeout_s=0.5)
    patient = tasks.ask("patient")
    await time.move(0.5)
    with pytest.raises(RateLimitError, match=r"no room in the limits of venue within 0\.5 s"):
        await late
    await patient
    assert given.statistics("venue").timed_out == 1
    with pytest.raises(RateLimitError, match="no room in the limits of venue now") as caught:
        await given.acquire("venue/weight", 10, timeout_s=0)
    assert caught.value.retry_after_s > 0


@virtual_time.in_virtual_time
async def test_a_cancelled_task_leaves_the_line() -> None:
    time = Time()
    given = manager(time)
    tasks = Tasks(time, given)
    await given.acquire("venue/weight", 10)
    heavy, light = tasks.ask("heavy", weight=10), tasks.ask("light")
    await time.move(0.3)
    heavy.cancel()
    await time.move(0.1)
    assert tasks.done == [("light", 0.3)], "at once, not when the heavy one would have been due"
    await light
    with pytest.raises(asyncio.CancelledError):
        await heavy
    assert given.statistics("venue").waiting == 0


@virtual_time.in_virtual_time
async def test_waiters_cancelled_together_use_up_nothing() -> None:
    given = manager(Time(), limit=100, strict=True, burst=None, reserve=0)
    await given.acquire("venue/weight", 50)
    waiting = [asyncio.create_task(given.acquire("venue/weight", weight)) for weight in (60, 5, 5, 5)]
    await asyncio.sleep(0.01)
    for task in waiting:
        task.cancel()
    await asyncio.gather(*waiting, return_exceptions=True)
    statistics = given.statistics("venue")
    assert (statistics.granted, statistics.waiting, statistics.quotas["weight"].used) == (1, 0, 50)


@virtual_time.in_virtual_time
async def test_cancelled_in_the_turn_of_its_deadline_is_cancelled() -> None:
    """The other way round the deadline has passed, and the loop would hear of an error nobody can catch."""
    told: list[dict[str, Any]] = []
    asyncio.get_running_loop().set_exception_handler(lambda _, context: told.append(context))
    given = manager(Time())
    await given.acquire("venue/weight", 10)
    task = asyncio.create_task(given.acquire("venue/weight", 10, timeout_s=0.5))
    asyncio.get_running_loop().call_later(0.5, task.cancel)
    with pytest.raises(asyncio.CancelledError):
        await task
    assert (told, given.statistics("venue").timed_out, given.statistics("venue").waiting) == ([], 0, 0)


@virtual_time.in_virtual_time
async def test_a_deadline_before_a_closed_gate_opens_says_when_it_does() -> None:
    given = manager(Time())
    given.observe("venue", 418, {"retry-after": "120"})
    with pytest.raises(RateLimitError) as caught:
        await given.acquire("venue/weight", timeout_s=0.5)
    assert caught.value.retry_after_s == pytest.approx(119.5)


@virtual_time.in_virtual_time
async def test_a_full_line_turns_away() -> None:
    time = Time()
    given = manager(time)
    tasks = Tasks(time, given)
    await given.acquire("venue/weight", 10)
    running = [tasks.ask(str(number)) for number in range(50)]
    await time.move(0)
    with pytest.raises(RateLimitError, match="50 requests are waiting for venue already"):
        await given.acquire("venue/weight")
    assert given.statistics("venue").turned_away == 1
    await time.move(60)
    await asyncio.gather(*running)
    assert given.statistics("venue").waited == 50


@pytest.mark.parametrize("status", [418, 429])
@virtual_time.in_virtual_time
async def test_a_refusal_closes_the_gate_for_everything_until_retry_after(status: int) -> None:
    time = Time()
    given = manager(time)
    tasks = Tasks(time, given)
    given.observe("venue", status, {"retry-after": "120"})
    running = [tasks.ask("cancel", priority=Priority.CANCEL), tasks.ask("order", "venue/orders")]
    await time.move(119.9)
    assert not tasks.done
    statistics = given.statistics("venue")
    assert (statistics.refusals, statistics.bans) == ((0, 1) if status == 418 else (1, 0))
    assert statistics.closed_for_s == pytest.approx(0.1)
    await time.move(0.1)
    assert [name for name, _ in tasks.done] == ["cancel", "order"]
    await asyncio.gather(*running)


@virtual_time.in_virtual_time
async def test_retry_after_may_be_a_date_and_is_bounded() -> None:
    given = manager(Time())
    given.observe("venue", 418, {"retry-after": "Tue, 14 Nov 2023 23:13:40 GMT"})  # an hour after `wall`
    assert given.statistics("venue").closed_for_s == pytest.approx(3_600)
    given.close("venue", float("inf"))
    assert given.statistics("venue").closed_for_s == pytest.approx(3 * 86_400)


@pytest.mark.parametrize(("told_s", "closed_s"), [(None, 120), (-5, 120), (30, 30), (300, 300)])
@virtual_time.in_virtual_time
async def test_a_ban_without_retry_after_lasts_as_its_body_says_or_two_minutes(
    told_s: float | None, closed_s: float
) -> None:
    given = manager(Time())
    given.observe("venue", 418, {}, told_s=told_s)
    assert given.statistics("venue").closed_for_s == pytest.approx(closed_s)


@virtual_time.in_virtual_time
async def test_without_retry_after_the_gate_opens_with_the_venues_next_window() -> None:
    time = Time()
    given = manager(time)
    given.observe("venue", 429, {"retry-after": "soon"})
    assert given.try_acquire("venue/weight") == pytest.approx(60 - 1_700_000_020 % 60)


@virtual_time.in_virtual_time
async def test_other_answers_close_nothing() -> None:
    time = Time()
    given = manager(time)
    for status in (200, 400, 404, 503):
        given.observe("venue", status, {"retry-after": "5"})
    assert given.try_acquire("venue/weight") == 0


@pytest.mark.parametrize("header", ["x-used", "x-left"])
@virtual_time.in_virtual_time
async def test_a_count_that_nobody_can_mean_is_passed_over(header: str) -> None:
    given = manager(Time())
    given.observe("venue", 200, {header: "9" * 5_000})
    assert given.statistics("venue").quotas["weight"].used == 0


@pytest.mark.parametrize("weight", [1.5, True, "1"])
@virtual_time.in_virtual_time
async def test_a_weight_is_a_whole_number(weight: Any) -> None:
    with pytest.raises(TypeError, match=f"^weight of weight must be a whole number, was {weight!r}$"):
        manager(Time()).try_acquire("venue/weight", weight)


@pytest.mark.parametrize("headers", [{"x-used": "560"}, {"x-left": "40"}])
@virtual_time.in_virtual_time
async def test_the_venues_count_is_taken_over(headers: dict[str, str]) -> None:
    time = Time()
    given = manager(time)
    given.observe("venue", 200, headers)
    assert given.statistics("venue").quotas["weight"].used == 560
    assert given.try_acquire("venue/weight") > 0, "only the reserve is left"
    assert given.try_acquire("venue/weight", priority=Priority.CANCEL) == 0
    given.observe("venue", 200, {"x-used": "3", "x-orders": "much"})
    assert given.statistics("venue").quotas["weight"].used == 561


@pytest.mark.parametrize(
    ("key", "weight", "message"),
    [
        ("nowhere/weight", 1, "venue must be one of venue; was 'nowhere'"),
        ("venue/nothing", 1, "quota must be one of weight, orders; was 'nothing'"),
        ("venue", 1, "key must name a quota of venue: venue/weight, venue/orders"),
        ("venue/weight", {"weight": 1}, "the key is the venue alone"),
        ("venue/weight", 11, r"must be 1\.\.10"),
    ],
)
@virtual_time.in_virtual_time
async def test_what_cannot_be_meant(key: str, weight: Any, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        await manager(Time()).acquire(key, weight)


def test_a_venue_is_added_once() -> None:
    given = RateLimitManager()
    assert given.venues == ()
    given.add("venue", limits())
    with pytest.raises(ValueError, match="venue venue has limits already"):
        given.add("venue", limits())
    assert given.venues == ("venue",)


async def test_on_the_real_clock_a_hundred_tasks_share_the_rate() -> None:
    given = RateLimitManager({"x": VenueLimits(quotas=(Quota(name="q", limit=60_000, per_s=60, burst=1, reserve=0),))})
    await asyncio.gather(*(given.acquire("x") for _ in range(100)))
    statistics = given.statistics("x")
    assert (statistics.granted, statistics.waiting) == (100, 0)


@virtual_time.in_virtual_time
async def test_two_managers_can_share_one_room_and_one_line() -> None:
    time = Time()
    one, two = manager(time, reserve=0), manager(time, reserve=0)
    two.share("venue", one, "venue")
    first, second = Tasks(time, one), Tasks(time, two)
    running = [first.ask(str(number)) for number in range(11)]
    await time.move(0)
    running += [second.ask("other"), first.ask("last")]
    await time.move(1)
    assert (first.done[10:], second.done) == ([("10", 0.1), ("last", 0.3)], [("other", 0.2)])
    two.close("venue", 5)
    assert one.try_acquire("venue/weight", 1) > 4
    await asyncio.gather(*running)


def test_only_venues_with_the_same_limits_share_a_room() -> None:
    one, other = RateLimitManager({"venue": limits()}), RateLimitManager({"other": limits(limit=60)})
    with pytest.raises(ValueError, match="must have the same limits, venue and other do not"):
        one.share("venue", other, "other")
    with pytest.raises(ValueError, match="venue must be one of other; was 'venue'"):
        one.share("venue", other, "venue")
