"""A hundred tasks waiting at one limiter, burst 1: the rate they get together, and the fullest tenth of a second.

Prints one JSON line per rate; 0.99 to 1.00 of the rate is the goal, counted when the tasks run. A tenth of a second may
hold burst + rate * 101 ms, by the times at which the limiter decided: a task that runs late moves into its neighbours'
time. Fails when too much gets through in all, however slow the machine.
"""

from __future__ import annotations

import asyncio
import json
import os
import time
from importlib.metadata import version

import uvloop

from tradewire import AdaptiveRateLimiter
from tradewire.core import monotonic_ns

RATES = (100, 1_000, 10_000)
TASKS = 100
SECONDS = 5.0
WARM_UP_S = 0.2


def fullest(grants: list[float], window_s: float) -> int:
    most = first = 0
    for last, at in enumerate(grants):
        while at - grants[first] > window_s:
            first += 1
        most = max(most, last - first + 1)
    return most


async def measure(rate: int, loop_name: str) -> dict[str, object]:
    looked_ns = 0

    def clock() -> int:
        nonlocal looked_ns
        looked_ns = monotonic_ns()
        return looked_ns

    limiter = AdaptiveRateLimiter(default_rate=rate * 60, burst_allowance=1, clock=clock)
    grants: list[float] = []
    decisions: list[float] = []

    async def worker() -> None:
        while True:
            await limiter.acquire()
            decisions.append(looked_ns / 1e9)
            grants.append(time.perf_counter())

    cpu, start = time.process_time(), time.perf_counter()
    tasks = [asyncio.create_task(worker()) for _ in range(TASKS)]
    await asyncio.sleep(SECONDS)
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
    end, cpu = time.perf_counter(), time.process_time() - cpu
    inside = [at for at in grants if start + WARM_UP_S <= at <= end]
    ratio = len(inside) / (end - start - WARM_UP_S) / rate
    most = fullest(decisions, 0.1)
    assert len(grants) <= 2 + rate * (end - start)
    return {
        "topic": "limiter accuracy",
        "peer": "tradewire",
        "version": version("tradewire"),
        "case": f"{TASKS} tasks, burst 1, {rate:,}/s, {loop_name}",
        "rate_ratio": round(ratio, 4),
        "fullest_100ms": most,
        "most_in_100ms": 1 + rate * 101 // 1000,
        "cpu_s_per_s": round(cpu / SECONDS, 3),
    }


def main() -> None:
    if hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, {0})
    for loop_name, run in (("asyncio", asyncio.run), ("uvloop", uvloop.run)):
        for rate in RATES:
            print(json.dumps(run(measure(rate, loop_name))), flush=True)


if __name__ == "__main__":
    main()
