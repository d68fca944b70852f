"""The providers of a gateway: added, changed and removed as a plan says, and standing in for each other.

What a plan says beyond providers and their subscriptions is the gateway's own affair.
"""

from __future__ import annotations

from collections.abc import Callable, Coroutine
from random import Random
from typing import TYPE_CHECKING, Any, Protocol

from tradewire.core import SymbolTable, monotonic_ns, wall_ns
from tradewire.venues.adapter import AdapterVenue

from .adapters import AdapterConnections
from .budgets import Budgets
from .connections import Connections
from .fallback import Fallbacks
from .gate import Bans
from .manager import WebSocketManager
from .shares import Shares

if TYPE_CHECKING:
    from tradewire.telemetry.alerts import AlertPort

    from .dispatch import Dispatcher
    from .plan import GatewayPlan
    from .provider import ProviderSettings
    from .subscription import Subscription

__all__ = ["Providers", "Subscribe"]


class Subscribe(Protocol):
    """Subscribes without a callback."""

    def __call__(self, channel: str, symbols: tuple[str, ...], *, provider: str | None) -> Subscription:
        """Raises what `StreamingGateway.subscribe` does."""


class Providers:
    """All providers of a gateway. The event loop owns it.

    Args:
        symbols: the table that they share.
        dispatcher: takes events, batches and status.
        random: for backoff jitter.
        alerts: calls a person.
        leave: runs the end of a provider that is gone, in the background.

    Attributes:
        managers: what runs each, by name.
        shares: which of them serves which symbols.
        planned: (provider, channel) -> what the plan, or the constructor of the gateway, subscribes to.
        fallbacks: which provider stands in for which.
    """

    def __init__(
        self,
        symbols: SymbolTable,
        dispatcher: Dispatcher,
        random: Random,
        alerts: AlertPort,
        leave: Callable[[Coroutine[Any, Any, None], str], None],
    ) -> None:
        self._symbols = symbols
        self._dispatcher = dispatcher
        self._random = random
        self._alerts = alerts
        self._leave = leave
        self._running = False
        self._bans = Bans()
        self._budgets = Budgets()
        self.managers: dict[str, WebSocketManager] = {}
        self.shares = Shares(self.managers, dispatcher)
        self.planned: dict[tuple[str, str], Subscription] = {}
        self.fallbacks = Fallbacks(self.shares.mirror, lambda event: dispatcher.publish_status(event, monotonic_ns()))

    def start(self) -> None:
        """Connects them, in the background, and so each that comes later."""
        self._running = True
        for manager in self.managers.values():
            manager.start()

    def apply(self, plan: GatewayPlan, subscribe: Subscribe) -> None:
        """Makes them what a plan says; what the plan does not change goes on undisturbed.

        Raises:
            StateError: another venue or codec for a provider; the gateway is stopped.
            UnsupportedError, ValueError: as `StreamingGateway.subscribe` does.
        """
        wanted = {(provider, channel): symbols for provider, channel, symbols in plan.subscriptions}
        for name, settings in plan.providers.items():
            if name in self.managers:
                self.managers[name].update(settings)
            else:
                self._add(settings)
        for key, subscription in list(self.planned.items()):
            if wanted.get(key) != subscription.symbols:
                # Opened before the old one is closed, so that symbols in both keep their streams.
                if key in wanted:
                    self.planned[key] = subscribe(key[1], wanted[key], provider=key[0])
                else:
                    del self.planned[key]
                subscription.close()
        for key, symbols in wanted.items():
            if key not in self.planned:
                self.planned[key] = subscribe(key[1], symbols, provider=key[0])
        for name in [name for name in self.managers if name not in plan.providers]:
            self._remove(name)

    def tick(self, now_ns: int, wall_time_ns: int) -> None:
        """Lets fallbacks go whose providers are back; called a few times a second, after the managers' `tick`."""
        self.fallbacks.tick(now_ns, wall_time_ns)
        self.shares.tick()

    def _add(self, settings: ProviderSettings) -> None:
        # Without a field plan only the user's own method can read the messages.
        custom = isinstance(settings.venue, AdapterVenue) and settings.venue.adapter.plan is None
        self.managers[settings.name] = manager = WebSocketManager(
            settings,
            self._symbols,
            self._dispatcher,
            self._random,
            self._alerts,
            self._on_trouble,
            AdapterConnections if custom else Connections,
            self._bans,
            self._budgets,
        )
        if self._running:
            manager.start()

    def _remove(self, name: str) -> None:
        """A provider that the plan has no more."""
        # First: who is told that its feeds are gone may subscribe anew, and not there.
        manager = self.managers.pop(name)
        self.shares.close_of(manager)
        self.fallbacks.forget(name, wall_ns())
        if self._running:
            self._leave(manager.stop(), f"stop {name}")

    def _on_trouble(self, manager: WebSocketManager, reason: str) -> None:
        """A provider needs its fallback."""
        name = manager.settings.fallback
        if name is not None and name in self.managers:
            self.fallbacks.begin(manager, self.managers[name], reason, wall_ns())
