"""The faults of `tradewire demo --chaos`, and whether they were healed. Starts no venue and shows nothing."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

from tradewire.core import wall_ns
from tradewire.streaming.events import FeedState
from tradewire.streaming.incidents import IncidentKind

from .story import FAULT, Line

if TYPE_CHECKING:
    from tradewire.streaming import StreamingGateway

__all__ = ["ACTS", "Act", "Chaos", "Control"]

_LOOK_S = 0.1
#: A fault that is not healed by then is said to be open.
_PATIENCE_S = 30.0


class Control(Protocol):
    """Begins faults at a venue; blocks. `tradewire.sim.RemoteChaos` is one."""

    def begin(self, line: str) -> object:
        """Begins the fault of a script line."""


@dataclass(frozen=True, slots=True)
class Act:
    """One fault.

    Attributes:
        at_s: when, from the moment in which everything is live.
        venue: where.
        fault: a line of the simulators' scripts; `{0}` and `{1}` are the first two symbols.
        what: in words.
        proof: the incident that shows that the gateway noticed and is over it; None: it has nothing to get over.
        channel: of that incident; empty: any.
        takes_s: the longest that this usually takes.
    """

    at_s: float
    venue: str
    fault: str
    what: str
    proof: IncidentKind | None
    channel: str = ""
    takes_s: float = 4.0


ACTS = (
    Act(1, "binance", "drop 3 book {0}", "3 book messages of {0} are lost", IncidentKind.RESYNCED, "book"),
    Act(3, "binance_spot", "disconnect", "every connection is cut", IncidentKind.CONNECTED),
    Act(
        6, "binance", "mute trades {0} until resubscribe",
        "trades of {0} fall silent, pings are answered", IncidentKind.RECOVERED, "trades", 8.0,
    ),
    Act(8, "binance_spot", "truncate 5 trades", "5 trades arrive cut in half", None),
    Act(10, "binance_spot", "restart 2s", "the venue restarts, 2 s without it", IncidentKind.CONNECTED, "", 8.0),
    Act(
        14, "binance", "mute quotes {1} until reconnect",
        "quotes of {1} fall silent; only a new connection helps", IncidentKind.RECOVERED, "quotes", 12.0,
    ),
)  # fmt: skip


class Chaos:
    """Injects acts into simulated venues, and looks whether the gateway heals them. The event loop owns it.

    Args:
        gateway: started meanwhile.
        controls: by venue.
        symbols: as the venues spell them.
        tell: takes a line for each fault.
        acts: in the order of their times.
        seconds: time there is; acts that could not be healed in it are left out. None: until all are healed.
        repeat: begin again after the last one, until cancelled.

    Attributes:
        open_at_end: what was open when `finish` was called.
    """

    def __init__(
        self,
        gateway: StreamingGateway,
        controls: Mapping[str, Control],
        symbols: Sequence[str],
        tell: Callable[[Line], None],
        *,
        acts: Sequence[Act] = ACTS,
        seconds: float | None = None,
        repeat: bool = False,
    ) -> None:
        self._gateway = gateway
        self._controls = controls
        self._symbols = (symbols[0], symbols[min(1, len(symbols) - 1)])
        self._tell = tell
        self._acts = acts
        self._seconds = seconds
        self._repeat = repeat
        self._done: list[tuple[int, Act]] = []
        self.open_at_end: list[str] = []

    @property
    def injected(self) -> int:
        """Faults so far."""
        return len(self._done)

    @property
    def open(self) -> list[str]:
        """Faults that the gateway has not got over, in words; and feeds that are not live."""
        incidents = self._gateway.incidents()
        found = [
            f"{act.venue}: {act.what.format(*self._symbols)}"
            for at_ns, act in self._done
            if act.proof is not None
            and not any(
                incident.recv_ns >= at_ns
                and incident.kind is act.proof
                and incident.venue == act.venue
                and act.channel in ("", incident.channel)
                for incident in incidents
            )
        ]
        # A feed that never had a message has nothing to be healed of.
        return found + [
            f"{feed.channel.name} of {feed.symbol} is {feed.state}"
            for feed in self._gateway.feeds()
            if feed.messages and feed.state is not FeedState.LIVE
        ]

    def finish(self) -> None:
        """Looks for the last time while everything is still connected."""
        self.open_at_end = self.open

    async def run(self) -> None:
        """Injects everything once all feeds are live, and returns when all is healed, or after 30 s of waiting."""
        loop = asyncio.get_running_loop()
        began_s = loop.time()
        while not all(feed.state is FeedState.LIVE for feed in self._gateway.feeds()):  # noqa: ASYNC110 - states
            await asyncio.sleep(_LOOK_S)
        while True:
            live_s = loop.time()
            for act in self._acts:
                if self._seconds is not None and live_s - began_s + act.at_s + act.takes_s > self._seconds:
                    continue
                await asyncio.sleep(max(live_s + act.at_s - loop.time(), 0))
                await self._inject(act)
            end_s = loop.time() + _PATIENCE_S
            while self.open and loop.time() < end_s:  # noqa: ASYNC110 - incidents and states, which nobody announces
                await asyncio.sleep(_LOOK_S)
            if not self._repeat:
                return

    async def _inject(self, act: Act) -> None:
        at_ns = wall_ns()
        self._tell(Line(at_ns, FAULT, act.venue, act.what.format(*self._symbols)))
        await asyncio.to_thread(self._controls[act.venue].begin, act.fault.format(*self._symbols))
        self._done.append((at_ns, act))
