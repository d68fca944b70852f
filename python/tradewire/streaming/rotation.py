"""When a connection is to be renewed before the venue ends it, and when its successor may take over.

Decides only: no I/O, the clock and the jitter are given. What both connections delivered meanwhile: `overlap`.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from random import Random

__all__ = ["Progress", "Rotation", "Step", "due_ns"]

_SECOND = 1_000_000_000
#: Shares of the greatest age. Drawn for each connection, so that those opened together are not renewed together.
_MARGIN = (0.05, 0.10)
#: A successor that is not connected and acknowledged by then is given up.
_OPENING_NS = 30 * _SECOND
#: So long the two are compared before the successor takes over without proof that nothing is lost between them.
_COMPARING_NS = 10 * _SECOND
#: Records held back for a successor; 16 MiB.
_HELD_MOST = 1 << 18


def due_ns(opened_ns: int, max_age_s: float, random: Random) -> int:
    """When a connection is to be renewed.

    Args:
        opened_ns: monotonic time of its opening.
        max_age_s: at which the venue ends it.
        random: for the margin.
    """
    return opened_ns + int(max_age_s * (1 - random.uniform(*_MARGIN)) * _SECOND)


class Step(StrEnum):
    """What to do about a rotation now."""

    WAIT = "wait"
    SWITCH = "switch"
    """The successor takes over."""
    ABANDON = "abandon"
    """The present connection stays; another attempt comes later."""


@dataclass(frozen=True, slots=True)
class Progress:
    """How far a rotation is.

    Attributes:
        acknowledged: the venue granted (or refused) every stream on the successor.
        heard: the successor gave market data.
        met: the present connection has caught up with all that the successor gave.
        present_heard: the present connection gave market data since the successor was acknowledged.
        held: records of the successor that the present connection has not given.
    """

    acknowledged: bool
    heard: bool
    met: bool
    present_heard: bool
    held: int


class Rotation:
    """One rotation with overlap.

    Args:
        now_ns: monotonic time of its beginning.
    """

    __slots__ = ("_acknowledged_ns", "_begun_ns")

    def __init__(self, now_ns: int) -> None:
        self._begun_ns = now_ns
        self._acknowledged_ns: int | None = None

    def step(self, progress: Progress, now_ns: int) -> Step:
        """What to do; asked a few times a second."""
        if progress.held > _HELD_MOST:
            return Step.ABANDON
        if not progress.acknowledged:
            # Lost meanwhile, perhaps: comparing starts over.
            self._acknowledged_ns = None
            return Step.ABANDON if now_ns - self._begun_ns > _OPENING_NS else Step.WAIT
        if self._acknowledged_ns is None:
            self._acknowledged_ns = now_ns
        if progress.heard and progress.met:
            return Step.SWITCH
        if now_ns - self._acknowledged_ns <= _COMPARING_NS:
            return Step.WAIT
        # A market that is quiet on both is no reason to keep the old one; a successor that alone is mute is.
        return Step.SWITCH if progress.heard or not progress.present_heard else Step.ABANDON
