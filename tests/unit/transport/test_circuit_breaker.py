"""The breaker around real calls: what counts, what comes through, who is told."""

from __future__ import annotations

import asyncio
import functools
import pickle
from collections.abc import Callable
from typing import Any

import pytest

from tradewire.errors import CircuitOpenError, QueryError, RateLimitError, RejectedError, TransientError
from tradewire.transport.circuit_breaker import BreakerChange, CircuitBreaker, circuit_breaker
from tradewire.transport.policy.breaker import BreakerState

SECOND = 1_000_000_000


class Clock:
    def __init__(self) -> None:
        self.now_ns = 5

    def __call__(self) -> int:
        return self.now_ns


def fails(error: BaseException) -> Callable[[], Any]:
    def raises() -> Any:
        raise error

    return raises


async def answer(value: int = 42) -> int:
    return value


def make(clock: Clock | None = None, **changes: Any) -> CircuitBreaker:
    return CircuitBreaker(
        "test", **{"failure_threshold": 2, "reset_timeout": 10.0, "clock": clock or Clock(), **changes}
    )


async def refuse(breaker: CircuitBreaker, error: BaseException) -> None:
    with pytest.raises(type(error)):
        await breaker.execute(fails(error))


async def test_execute_takes_async_and_sync_functions_with_their_arguments() -> None:
    breaker = make()
    assert await breaker.execute(answer, value=3) == 3
    assert await breaker.execute(lambda: answer(4)) == 4
    assert await breaker.execute(max, 1, 5) == 5
    future = asyncio.get_running_loop().create_future()
    future.set_result(6)
    assert await breaker.execute(lambda: future) == 6
    assert breaker.call(max, 1, 7) == 7


async def test_open_refuses_without_calling_and_says_for_how_long() -> None:
    clock = Clock()
    breaker = make(clock)
    for _ in range(2):
        await refuse(breaker, OSError("gone"))
    clock.now_ns += 4 * SECOND
    with pytest.raises(CircuitOpenError, match="circuit breaker test is open; ask again in 6 s") as caught:
        await breaker.execute(fails(AssertionError("was called")))
    assert caught.value.retry_after_s == 6.0
    assert isinstance(caught.value, TransientError)
    assert not isinstance(caught.value, ConnectionError)
    with pytest.raises(CircuitOpenError):
        breaker.call(fails(AssertionError("was called")))
    clock.now_ns += 6 * SECOND
    assert await breaker.execute(answer) == 42
    assert breaker.state is BreakerState.CLOSED


@pytest.mark.parametrize(
    "error",
    [
        RejectedError("no"),
        RateLimitError("full"),
        QueryError("no book", status=429),
        asyncio.CancelledError(),
        KeyboardInterrupt(),
    ],
)
async def test_what_says_nothing_about_the_peer_does_not_count(error: BaseException) -> None:
    clock = Clock()
    breaker = make(clock, failure_threshold=1)
    await refuse(breaker, error)
    assert breaker.state is BreakerState.CLOSED
    await refuse(breaker, OSError())
    clock.now_ns += 10 * SECOND
    await refuse(breaker, error)
    assert breaker.state is BreakerState.HALF_OPEN
    assert await breaker.execute(answer) == 42, "the probe's permit came back"
    assert breaker.state is BreakerState.CLOSED


@pytest.mark.parametrize("error", [OSError(), TimeoutError(), ValueError(), TransientError(), CircuitOpenError(1.0)])
async def test_every_other_exception_counts(error: Exception) -> None:
    breaker = make(failure_threshold=1)
    await refuse(breaker, error)
    assert breaker.state is BreakerState.OPEN


async def test_is_failure_decides_instead() -> None:
    breaker = make(failure_threshold=1, is_failure=lambda error: isinstance(error, RejectedError))
    await refuse(breaker, OSError())
    assert breaker.state is BreakerState.CLOSED
    await refuse(breaker, RejectedError())
    assert breaker.state is BreakerState.OPEN


async def test_an_is_failure_that_raises_gives_the_permit_back() -> None:
    clock = Clock()
    breaker = make(clock, failure_threshold=1, is_failure=lambda error: bool(1 / len(error.args)))
    await refuse(breaker, OSError("counts"))
    clock.now_ns += 10 * SECOND
    with pytest.raises(ZeroDivisionError):
        await breaker.execute(fails(OSError()))
    assert await breaker.execute(answer) == 42


async def test_a_cancelled_probe_frees_its_permit() -> None:
    clock = Clock()
    breaker = make(clock, failure_threshold=1)
    await refuse(breaker, OSError())
    clock.now_ns += 10 * SECOND
    started = asyncio.Event()

    async def hangs() -> None:
        started.set()
        await asyncio.Event().wait()

    probe = asyncio.create_task(breaker.execute(hangs))
    await started.wait()
    with pytest.raises(CircuitOpenError):
        await breaker.execute(answer)
    probe.cancel()
    with pytest.raises(asyncio.CancelledError):
        await probe
    assert await breaker.execute(answer) == 42


async def test_an_abandoned_probe_is_given_up_after_probe_timeout() -> None:
    clock = Clock()
    breaker = make(clock, failure_threshold=1, probe_timeout=3.0)
    await refuse(breaker, OSError())
    clock.now_ns += 10 * SECOND
    abandoned = breaker.admit()
    clock.now_ns += 3 * SECOND
    assert await breaker.execute(answer) == 42
    breaker.failed(abandoned, OSError())
    assert breaker.state is BreakerState.CLOSED
    assert breaker.snapshot().stale == 1


async def test_the_decorator_guards_async_and_sync_functions() -> None:
    clock = Clock()

    @circuit_breaker(name="remote", failure_threshold=1, reset_timeout=60.0, clock=clock)
    async def remote(ok: bool) -> int:
        """Said by remote."""
        if not ok:
            raise OSError
        return 1

    @circuit_breaker(failure_threshold=1, clock=clock)
    def local(ok: bool) -> int:
        if not ok:
            raise OSError
        return 2

    assert (await remote(True), local(True)) == (1, 2)
    assert (remote.__name__, remote.__doc__) == ("remote", "Said by remote.")
    assert remote.breaker.name == "remote"  # type: ignore[attr-defined]
    assert local.breaker.name.endswith("local")  # type: ignore[attr-defined]
    with pytest.raises(OSError):  # noqa: PT011 - any
        await remote(ok=False)
    with pytest.raises(OSError):  # noqa: PT011 - any
        local(ok=False)
    with pytest.raises(CircuitOpenError, match="remote"):
        await remote(True)
    with pytest.raises(CircuitOpenError):
        local(True)
    clock.now_ns += 60 * SECOND
    assert (await remote(True), local(True)) == (1, 2)
    assert await remote(True) == 1


def wrapped(function: Callable[..., Any]) -> Callable[..., Any]:
    @functools.wraps(function)
    def wrapper(*args: Any) -> Any:
        return function(*args)

    return wrapper


class Called:
    def __init__(self, function: Callable[..., Any]) -> None:
        self.function = function

    async def __call__(self, *args: Any) -> Any:
        return await self.function(*args)


@pytest.mark.parametrize(
    "made",
    [
        wrapped,
        Called,
        functools.partial,
        lambda function: functools.partial(wrapped(function)),
        lambda function: lambda *args: asyncio.ensure_future(function(*args)),
    ],
    ids=["wrapper", "object", "partial", "partial of a wrapper", "future"],
)
async def test_the_outcome_of_what_is_awaited_counts_whatever_returned_it(made: Callable[..., Any]) -> None:
    clock, calls = Clock(), 0

    async def ask(error: Exception | None = None) -> int:
        nonlocal calls
        calls += 1
        await asyncio.sleep(0)
        if error is not None:
            raise error
        return 42

    guarded = circuit_breaker(name="peer", failure_threshold=2, reset_timeout=10.0, clock=clock)(made(ask))
    breaker: CircuitBreaker = guarded.breaker  # type: ignore[attr-defined]
    for error in (OSError("down"), RejectedError("wrong"), OSError("down")):
        with pytest.raises(type(error)):
            await guarded(error)
    assert (breaker.state, breaker.snapshot().failures) == (BreakerState.OPEN, 2)
    with pytest.raises(CircuitOpenError):
        await guarded()
    assert calls == 3
    clock.now_ns += 10 * SECOND
    with pytest.raises(OSError, match="still down"):
        await guarded(OSError("still down"))
    assert breaker.state is BreakerState.OPEN, "the probe failed"
    clock.now_ns += 10 * SECOND
    probe = asyncio.ensure_future(guarded())
    await asyncio.sleep(0)
    assert breaker.state is BreakerState.HALF_OPEN, "nothing is known yet"
    probe.cancel()
    with pytest.raises(asyncio.CancelledError):
        await probe
    assert await guarded() == 42
    assert breaker.state is BreakerState.CLOSED


def test_call_refuses_what_is_to_be_awaited() -> None:
    clock = Clock()
    breaker = make(clock, failure_threshold=1)
    with pytest.raises(OSError):  # noqa: PT011 - any
        breaker.call(fails(OSError()))
    clock.now_ns += 10 * SECOND
    for _ in range(2):
        with pytest.raises(TypeError, match=r"use `await breaker\.execute"):
            breaker.call(answer)
    assert breaker.state is BreakerState.HALF_OPEN, "it said nothing about the peer"
    assert breaker.call(lambda: 1) == 1


def test_a_decorator_without_brackets_says_so() -> None:
    with pytest.raises(TypeError, match=r"write @circuit_breaker\(\), with brackets"):
        circuit_breaker(answer)  # type: ignore[arg-type]


def test_works_without_an_event_loop() -> None:
    breaker = CircuitBreaker(name="sync", failure_threshold=1, reset_timeout=30.0)
    assert breaker.call(int, "5") == 5
    with pytest.raises(ValueError, match="invalid literal"):
        breaker.call(int, "x")
    with pytest.raises(CircuitOpenError):
        breaker.call(int, "5")


def test_generators_are_refused() -> None:
    def rows() -> Any:
        yield 1

    with pytest.raises(TypeError, match="rows is a generator"):
        circuit_breaker()(rows)


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("failure_threshold", 0),
        ("half_open_max_requests", 0),
        ("success_threshold", -1),
        ("reset_timeout", 0.0),
        ("reset_timeout", float("nan")),
        ("probe_timeout", -1.0),
    ],
)
def test_bad_settings_name_the_field(field: str, value: float) -> None:
    with pytest.raises(ValueError, match=f"{field} must be .* was {value}"):
        CircuitBreaker("x", **{field: value})  # type: ignore[arg-type]


@pytest.mark.parametrize("value", ["3", 1.5, True])
def test_settings_of_another_type_name_the_field(value: Any) -> None:
    with pytest.raises(TypeError, match=f"^failure_threshold must be a whole number, was {value!r}$"):
        CircuitBreaker(failure_threshold=value)
    with pytest.raises(TypeError, match=r"^reset_timeout must be a number of seconds, was '30'$"):
        CircuitBreaker(reset_timeout="30")  # type: ignore[arg-type]


async def test_listeners_and_statistics_tell_the_story(caplog: pytest.LogCaptureFixture) -> None:
    clock = Clock()
    breaker = make(clock)
    seen: list[BreakerChange] = []
    remove = breaker.on_change(seen.append)
    breaker.on_change(lambda change: 1 // 0)
    for _ in range(2):
        await refuse(breaker, OSError())
    with pytest.raises(CircuitOpenError):
        await breaker.execute(answer)
    snapshot = breaker.snapshot()
    assert (snapshot.state, snapshot.failures, snapshot.refused, snapshot.opened) == (BreakerState.OPEN, 2, 1, 1)
    assert snapshot.retry_after_s == 10.0
    clock.now_ns += 10 * SECOND
    await breaker.execute(answer)
    assert [(one.name, one.before, one.after) for one in seen] == [
        ("test", "closed", "open"),
        ("test", "open", "half_open"),
        ("test", "half_open", "closed"),
    ]
    assert breaker.snapshot().retry_after_s == 0.0
    assert "circuit breaker test: a listener failed" in caplog.text
    remove()
    for _ in range(2):
        await refuse(breaker, OSError())
    assert len(seen) == 3


def test_the_error_survives_pickling() -> None:
    error = pickle.loads(pickle.dumps(CircuitOpenError(1.5, "x")))  # noqa: S301 - our own
    assert (error.retry_after_s, error.name, str(error)) == (1.5, "x", "circuit breaker x is open; ask again in 1.5 s")
    limit = pickle.loads(pickle.dumps(RateLimitError("full", 2.0)))  # noqa: S301 - our own
    assert (limit.retry_after_s, str(limit)) == (2.0, "full")
