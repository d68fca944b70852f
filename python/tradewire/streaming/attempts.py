"""When a connection may be tried again, and what the end of one counts as. Decides only; connecting is the link's."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tradewire.transport.policy.backoff import Backoff
from tradewire.transport.policy.blame import speaks_against_peer

if TYPE_CHECKING:
    from random import Random

    from tradewire.transport.policy.breaker import BreakerStates

    from .gate import Gate

__all__ = ["Attempts"]

_SECOND = 1_000_000_000
_SHORTEST_NS = 1_000_000


class Attempts:
    """The attempts at one connection, one at a time; waits grow until one has served. Times are monotonic ns.

    Args:
        random: for backoff.
        breaker: refuses attempts for a time after too many failures in a row; None: only the backoff does.
        gate: shared by all that ask the venue; None: only failures here hold attempts back.

    Attributes:
        breaker: as given; another one counts from the next attempt on.
        failures: since one served. The backoff also counts the loss of one that served: it waits before the first
            attempt.
        backoff: its waits.
    """

    def __init__(self, random: Random, breaker: BreakerStates | None, gate: Gate | None) -> None:
        self.breaker = breaker
        self.failures = 0
        self.backoff = Backoff(random)
        self._gate = gate
        self._token = 0

    def barred_ns(self, now_ns: int) -> int:
        """How long no attempt may be made; 0: gate and breaker are open both, and it is made now."""
        if self._gate is not None and (held_ns := self._gate.held_ns()):
            return max(held_ns, _SHORTEST_NS)
        if self.breaker is None:
            return 0
        self._token = self.breaker.admit(now_ns)
        return 0 if self._token else max(self.breaker.retry_after_ns(now_ns), _SHORTEST_NS)

    def served(self, now_ns: int) -> None:
        """The attempt has led to a connection that serves."""
        self.failures = 0
        self.backoff.reset()
        # In a quiet market the first message may come after the lease of the probe: what serves needs no other.
        if self.breaker is not None and not self.breaker.succeeded(self._token, now_ns):
            self.breaker.close()

    def ended(
        self,
        error: Exception | None,
        now_ns: int,
        *,
        served: bool,
        excused: bool,
        at_once: bool,
        away_s: float | None,
    ) -> tuple[int, str]:
        """The attempt failed, or the connection that it led to is gone.

        Args:
            error: why; None: the peer closed it.
            now_ns: as everywhere.
            served: whether `served` was told.
            excused: whether it is no failed attempt although it did not serve.
            at_once: whether the next attempt needs no wait: this end was planned.
            away_s: how long the venue asks to be left alone; None: it does not.

        Returns:
            How long to wait, and why it ended, in words.
        """
        if self.breaker is not None and not served:
            is_failed = not (excused or at_once) and (error is None or speaks_against_peer(error))
            # A probe of which nothing is learnt gives its place back.
            report = self.breaker.failed if is_failed else self.breaker.released
            report(self._token, now_ns)
        delay_ns = 0
        if not at_once:
            self.failures += not (served or excused)
            delay_ns = self.backoff.next_delay_ns()
        if away_s is not None:
            delay_ns = max(delay_ns, int(away_s * _SECOND))
            if self._gate is not None:
                self._gate.hold(away_s)
        reason = str(error or "dropped")
        if self._gate is not None and (held_ns := self._gate.held_ns()) > delay_ns:
            delay_ns, reason = held_ns, f"{reason}; the venue asks to be left alone"
        if self.breaker is not None:
            delay_ns = max(delay_ns, self.breaker.retry_after_ns(now_ns))
        return delay_ns, reason
