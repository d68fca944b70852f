"""A circuit breaker around calls to a peer: fails at once while the peer is known to be down. Never repeats a call."""

from __future__ import annotations

import functools
import inspect
import logging
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from threading import Lock
from types import CoroutineType
from typing import Any, ParamSpec, TypeVar, cast, overload

from tradewire.core import monotonic_ns
from tradewire.errors import CircuitOpenError

from .counts import check_count, check_seconds
from .policy.blame import speaks_against_peer
from .policy.breaker import BreakerState, BreakerStates

__all__ = ["BreakerChange", "BreakerSnapshot", "CircuitBreaker", "circuit_breaker"]

_logger = logging.getLogger(__name__)
_SECOND = 1_000_000_000
_P = ParamSpec("_P")
_T = TypeVar("_T")


@dataclass(frozen=True, slots=True)
class BreakerChange:
    """One change of state, as listeners get it. `at_ns` is monotonic."""

    name: str
    before: BreakerState
    after: BreakerState
    at_ns: int


@dataclass(frozen=True, slots=True)
class BreakerSnapshot:
    """A breaker at one moment.

    Attributes:
        consecutive_failures: while closed; what it opened with otherwise.
        failures: counted failures, ever.
        refused: calls refused with `CircuitOpenError`, ever.
        opened: how often it opened.
        stale: outcomes that came too late to count.
        retry_after_s: until asking again is worth it; 0 while calls go through.
    """

    name: str
    state: BreakerState
    consecutive_failures: int
    failures: int
    refused: int
    opened: int
    stale: int
    retry_after_s: float


class CircuitBreaker:
    """Refuses calls to a peer that keeps failing, then tries it with a few probes.

    `failure_threshold` consecutive failures open it. While open every call raises `CircuitOpenError` without being
    made. After `reset_timeout` the next callers are probes, at most `half_open_max_requests` at once;
    `success_threshold` successes in total close it, one failure opens it again. Every `Exception` is a failure but
    `RejectedError` (the request was wrong), and `RateLimitError` and answers with status 418 or 429 (the limiter's
    business); those, and cancellation, say nothing about the peer.

    Give each kind of work its own breaker (market data, queries, submits, cancels): a cancel must not be refused
    because submits fail.

    Thread-safe, needs no event loop. While closed and healthy it writes nothing and takes no lock: it reads one
    attribute before the call and one after it, and a reader that loses a race with another thread's failure acts as
    if it had come just before it.

    Args:
        name: shown in errors, logs and statistics.
        failure_threshold: consecutive failures that open, at least 1.
        reset_timeout: seconds it stays open, above 0 (`timeout` in configuration files).
        half_open_max_requests: probes at once, at least 1.
        success_threshold: successful probes that close, at least 1.
        is_failure: decides about an exception instead of the rule above.
        probe_timeout: seconds after which a probe that has not reported is given up; None is `reset_timeout`.
        clock: monotonic ns.

    Raises:
        TypeError, ValueError: a number that is none, or out of range; names the field and the range.
    """

    def __init__(
        self,
        name: str = "breaker",
        failure_threshold: int = 5,
        reset_timeout: float = 30.0,
        half_open_max_requests: int = 1,
        success_threshold: int = 1,
        is_failure: Callable[[Exception], bool] | None = None,
        probe_timeout: float | None = None,
        clock: Callable[[], int] = monotonic_ns,
    ) -> None:
        counts = {
            "failure_threshold": failure_threshold,
            "half_open_max_requests": half_open_max_requests,
            "success_threshold": success_threshold,
        }
        for field, count in counts.items():
            check_count(field, count)
        lease = reset_timeout if probe_timeout is None else probe_timeout
        for field, seconds in {"reset_timeout": reset_timeout, "probe_timeout": lease}.items():
            check_seconds(field, seconds)
        self.name = name
        self._states = BreakerStates(
            reset_timeout_ns=int(reset_timeout * _SECOND), lease_ns=int(lease * _SECOND), **counts
        )
        self._is_failure = is_failure or speaks_against_peer
        self._clock = clock
        self._lock = Lock()
        self._listeners: list[Callable[[BreakerChange], object]] = []
        self._failures = self._refused = self._opened = self._stale = 0

    @property
    def state(self) -> BreakerState:
        """The state; `OPEN` turns into `HALF_OPEN` with the first caller after `reset_timeout`, not by itself."""
        return self._states.state

    @overload
    async def execute(self, function: Callable[_P, Awaitable[_T]], /, *args: _P.args, **kwargs: _P.kwargs) -> _T: ...
    @overload
    async def execute(self, function: Callable[_P, _T], /, *args: _P.args, **kwargs: _P.kwargs) -> _T: ...
    async def execute(self, function: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Any:
        """Calls the function once and returns its result, awaited if it is awaitable.

        Raises:
            CircuitOpenError: the call was not made.
        """
        states = self._states
        token = states.closed_token or self.admit()
        try:
            result = function(*args, **kwargs) if kwargs else function(*args)
            # As `_is_awaitable`, without the cost of a call.
            if type(result) is CoroutineType or hasattr(type(result), "__await__"):
                result = await result
        except BaseException as error:
            self.failed(token, error)
            raise
        if not states.quiet:
            self.succeeded(token)
        return result

    def call(self, function: Callable[_P, _T], /, *args: _P.args, **kwargs: _P.kwargs) -> _T:
        """`execute` for code that is not async: calls the function once and returns what it returns.

        Raises:
            CircuitOpenError: the call was not made.
            TypeError: what it returned is to be awaited, so that its outcome is not known.
        """
        token = self._states.closed_token or self.admit()
        try:
            result = function(*args, **kwargs)
        except BaseException as error:
            self.failed(token, error)
            raise
        if _is_awaitable(result):
            if isinstance(result, CoroutineType):
                result.close()
            self._report(token, worked=None)
            raise TypeError("call is for functions that are not async: use `await breaker.execute(...)`")
        if not self._states.quiet:
            self.succeeded(token)
        return result

    def admit(self) -> int:
        """By hand: a token to report `succeeded` or `failed` with, for work that is not one function.

        Raises:
            CircuitOpenError: do not start.
        """
        with self._lock:
            before, now_ns = self._states.state, self._clock()
            token = self._states.admit(now_ns)
            if not token:
                self._refused += 1
                raise CircuitOpenError(self._states.retry_after_ns(now_ns) / _SECOND, self.name)
        self._tell(before, BreakerState.HALF_OPEN if before is BreakerState.OPEN else before, now_ns)
        return token

    def succeeded(self, token: int) -> None:
        """The work admitted with this token is done."""
        self._report(token, worked=True)

    def failed(self, token: int, error: BaseException) -> None:
        """The work admitted with this token raised this error; whether that is a failure follows from the error."""
        try:
            counts = isinstance(error, Exception) and self._is_failure(error)
        except BaseException:
            self._report(token, worked=None)
            raise
        self._report(token, worked=False if counts else None)

    def on_change(self, listener: Callable[[BreakerChange], object]) -> Callable[[], None]:
        """Calls the listener after each change of state, in the thread that caused it. Returns what removes it."""
        self._listeners.append(listener)
        return functools.partial(self._listeners.remove, listener)

    def snapshot(self) -> BreakerSnapshot:
        """State and counters. Successes are not counted: a healthy breaker writes nothing."""
        with self._lock:
            states = self._states
            return BreakerSnapshot(
                self.name,
                states.state,
                states.consecutive_failures,
                self._failures,
                self._refused,
                self._opened,
                self._stale,
                states.retry_after_ns(self._clock()) / _SECOND,
            )

    def _report(self, token: int, *, worked: bool | None) -> None:
        """`worked` None: the call said nothing about the peer."""
        with self._lock:
            states, now_ns = self._states, self._clock()
            before = states.state
            if worked is None:
                known = states.released(token, now_ns)
            elif worked:
                known = states.succeeded(token, now_ns)
            else:
                known = states.failed(token, now_ns)
                self._failures += known
            after = states.state
            self._stale += not known
            self._opened += after is BreakerState.OPEN and before is not after
        self._tell(before, after, now_ns)

    def _tell(self, before: BreakerState, after: BreakerState, at_ns: int) -> None:
        if before is after:
            return
        _logger.log(
            logging.WARNING if after is BreakerState.OPEN else logging.INFO,
            "circuit breaker %s: %s, was %s",
            self.name,
            after,
            before,
        )
        change = BreakerChange(self.name, before, after, at_ns)
        for listener in tuple(self._listeners):
            try:
                listener(change)
            except Exception:
                _logger.exception("circuit breaker %s: a listener failed", self.name)


def circuit_breaker(
    name: str | None = None,
    failure_threshold: int = 5,
    reset_timeout: float = 30.0,
    half_open_max_requests: int = 1,
    success_threshold: int = 1,
    is_failure: Callable[[Exception], bool] | None = None,
    probe_timeout: float | None = None,
    clock: Callable[[], int] = monotonic_ns,
) -> Callable[[Callable[_P, _T]], Callable[_P, _T]]:
    """Decorator: a `CircuitBreaker` of its own around a function, async or not; the function's `breaker` attribute.

    Without a name it is called after the function. An async generator is refused: a stream has no single outcome.
    What a function that is not async returns to be awaited comes back as a coroutine, whose outcome is what counts.
    """
    if callable(name):
        raise TypeError("write @circuit_breaker(), with brackets")

    def decorate(function: Callable[_P, _T]) -> Callable[_P, _T]:
        if inspect.isasyncgenfunction(function) or inspect.isgeneratorfunction(function):
            raise TypeError(f"circuit_breaker guards calls; {function.__qualname__} is a generator, guard its source")
        breaker = CircuitBreaker(
            str(name or getattr(function, "__qualname__", "breaker")),
            failure_threshold,
            reset_timeout,
            half_open_max_requests,
            success_threshold,
            is_failure,
            probe_timeout,
            clock,
        )
        guarded: Any = (_guard_async if inspect.iscoroutinefunction(function) else _guard)(breaker, function)
        guarded.breaker = breaker
        return cast("Callable[_P, _T]", guarded)

    return decorate


def _guard(breaker: CircuitBreaker, function: Callable[..., Any]) -> Callable[..., Any]:
    states = breaker._states

    @functools.wraps(function)
    def guarded(*args: Any, **kwargs: Any) -> Any:
        token = states.closed_token or breaker.admit()
        try:
            result = function(*args, **kwargs) if kwargs else function(*args)
        except BaseException as error:
            breaker.failed(token, error)
            raise
        if _is_awaitable(result):
            return _awaited(breaker, token, result)
        if not states.quiet:
            breaker.succeeded(token)
        return result

    return guarded


def _is_awaitable(result: object) -> bool:
    return type(result) is CoroutineType or hasattr(type(result), "__await__")


async def _awaited(breaker: CircuitBreaker, token: int, awaitable: Awaitable[Any]) -> Any:
    try:
        result = await awaitable
    except BaseException as error:
        breaker.failed(token, error)
        raise
    if not breaker._states.quiet:
        breaker.succeeded(token)
    return result


def _guard_async(breaker: CircuitBreaker, function: Callable[..., Any]) -> Callable[..., Any]:
    states = breaker._states

    @functools.wraps(function)
    async def guarded(*args: Any, **kwargs: Any) -> Any:
        token = states.closed_token or breaker.admit()
        try:
            result = await (function(*args, **kwargs) if kwargs else function(*args))
        except BaseException as error:
            breaker.failed(token, error)
            raise
        if not states.quiet:
            breaker.succeeded(token)
        return result

    return guarded
