"""The states of a circuit breaker. Decides only; calling, locking and reading the clock are the caller's."""

from __future__ import annotations

from enum import StrEnum

__all__ = ["BreakerState", "BreakerStates"]


class BreakerState(StrEnum):
    """What a circuit breaker does with calls: let all through, none, or a few as probes."""

    CLOSED = "closed"
    OPEN = "open"
    HALF_OPEN = "half_open"


class BreakerStates:
    """Closed until `failure_threshold` consecutive failures; open for a time; then probes decide.

    Each admission gets a token of its own, and an outcome counts only with a token that is still valid: the token of
    the present closed period, or of a probe whose lease runs. What was admitted before a change of state is stale and
    changes nothing. A probe that never reports loses its lease, so its permit is not lost with it.

    Not thread-safe, but for reading `closed_token` and `quiet`. Times are monotonic ns.

    Args:
        failure_threshold: consecutive failures that open, at least 1.
        reset_timeout_ns: how long it stays open before the first probe.
        half_open_max_requests: probes under way at once.
        success_threshold: successful probes, in total, that close. One failed probe opens again.
        lease_ns: a probe that has not reported for so long is given up; what it reports later is stale.
    """

    __slots__ = (
        "_failure_threshold",
        "_half_open_max_requests",
        "_last_token",
        "_lease_ns",
        "_leases",
        "_open_until_ns",
        "_reset_timeout_ns",
        "_success_threshold",
        "closed_token",
        "consecutive_failures",
        "quiet",
        "state",
        "successes",
    )

    def __init__(
        self,
        *,
        failure_threshold: int,
        reset_timeout_ns: int,
        half_open_max_requests: int,
        success_threshold: int,
        lease_ns: int,
    ) -> None:
        self._failure_threshold = failure_threshold
        self._reset_timeout_ns = reset_timeout_ns
        self._half_open_max_requests = half_open_max_requests
        self._success_threshold = success_threshold
        self._lease_ns = lease_ns
        self._last_token = 0
        self._leases: dict[int, int] = {}
        self._open_until_ns = 0
        self.state = BreakerState.CLOSED
        self.consecutive_failures = 0
        self.successes = 0
        #: Admission while closed is reading this; 0 in the other states.
        self.closed_token = self._next_token()
        #: Closed and without a failure: a success has nothing to change.
        self.quiet = True

    def admit(self, now_ns: int) -> int:
        """A token above 0: go, and report with it. 0: refused, see `retry_after_ns`."""
        if self.state is BreakerState.CLOSED:
            return self.closed_token
        if self.state is BreakerState.OPEN:
            if now_ns < self._open_until_ns:
                return 0
            self.state = BreakerState.HALF_OPEN
            self.successes = 0
        self._drop_expired(now_ns)
        if len(self._leases) >= self._half_open_max_requests:
            return 0
        token = self._next_token()
        self._leases[token] = now_ns + self._lease_ns
        return token

    def retry_after_ns(self, now_ns: int) -> int:
        """When asking again is worth it, at the latest: the end of the open period, or of the first probe's lease."""
        if self.state is BreakerState.OPEN:
            return max(self._open_until_ns - now_ns, 0)
        if len(self._leases) >= self._half_open_max_requests:
            return max(min(self._leases.values()) - now_ns, 0)
        return 0

    def succeeded(self, token: int, now_ns: int) -> bool:
        """The call with this token worked. False: the token was stale, nothing changed."""
        if token == self.closed_token:
            self.consecutive_failures = 0
            self.quiet = True
            return True
        if not self._give_back(token, now_ns):
            return False
        self.successes += 1
        if self.successes >= self._success_threshold:
            self.close()
        return True

    def failed(self, token: int, now_ns: int) -> bool:
        """The call with this token failed. False: the token was stale, nothing changed."""
        if token == self.closed_token:
            self.quiet = False
            self.consecutive_failures += 1
            if self.consecutive_failures >= self._failure_threshold:
                self.open(now_ns)
            return True
        if not self._give_back(token, now_ns):
            return False
        self.open(now_ns)
        return True

    def released(self, token: int, now_ns: int) -> bool:
        """The call ended without saying anything about the peer. False: the token was stale."""
        return token == self.closed_token or self._give_back(token, now_ns)

    def open(self, now_ns: int) -> None:
        """Opens now, for `reset_timeout_ns`."""
        self.quiet = False
        self.closed_token = 0
        self._leases.clear()
        self._open_until_ns = now_ns + self._reset_timeout_ns
        self.state = BreakerState.OPEN

    def close(self) -> None:
        """Closes now, with no failures counted."""
        self._leases.clear()
        self.consecutive_failures = 0
        self.state = BreakerState.CLOSED
        self.closed_token = self._next_token()
        self.quiet = True

    def _next_token(self) -> int:
        self._last_token += 1
        return self._last_token

    def _give_back(self, token: int, now_ns: int) -> bool:
        return self._leases.pop(token, now_ns) > now_ns

    def _drop_expired(self, now_ns: int) -> None:
        for token in [token for token, expires_ns in self._leases.items() if expires_ns <= now_ns]:
            del self._leases[token]
