"""Which provider serves which symbols of a subscription, and what a fallback takes over. Runs no callback itself."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from functools import partial
from typing import TYPE_CHECKING, TypeAlias

from tradewire.core.record import Kind
from tradewire.errors import UnsupportedError
from tradewire.telemetry.limited_log import LimitedLog

from .dispatch import Dispatcher, RouteKey, event_class, route_key
from .subscription import CallbackRunner, Subscription
from .twins import Given

if TYPE_CHECKING:
    from tradewire.venues.base import Channel

    from .health import Feed
    from .manager import WebSocketManager

__all__ = ["Share", "Shares"]

_log = LimitedLog(logging.getLogger("tradewire.streaming"))

#: A provider, its channel, and symbols in its spelling.
Share: TypeAlias = "tuple[WebSocketManager, Channel, list[str]]"
Uses: TypeAlias = "list[tuple[WebSocketManager, Feed]]"


class Shares:
    """All subscriptions of a gateway, by provider. The event loop owns it.

    Args:
        managers: by provider; the gateway adds to it.
        dispatcher: routes events.
    """

    def __init__(self, managers: Mapping[str, WebSocketManager], dispatcher: Dispatcher) -> None:
        self._managers = managers
        self._dispatcher = dispatcher
        self._uses: dict[Subscription, tuple[CallbackRunner | None, Uses]] = {}
        self._mirrors: list[_Mirror] = []
        # Venue -> its trades that were delivered while one of its providers stood in for another, and for how many of
        # them that is so now. Back-fills outlast mirrors.
        self._given: dict[str, Given] = {}
        self._joined: dict[str, int] = {}

    def manager(self, provider: str) -> WebSocketManager:
        """A provider by name.

        Raises:
            UnsupportedError: there is none of that name.
        """
        try:
            return self._managers[provider]
        except KeyError:
            known = ", ".join(self._managers)
            raise UnsupportedError(f"provider must be one of {known}, was {provider!r}") from None

    def spelling(self, symbol: str) -> list[WebSocketManager]:
        """The providers whose venue can have such a symbol.

        Raises:
            ValueError: none.
        """
        managers, error = [], None
        for manager in self._managers.values():
            try:
                manager.venue.symbol(symbol)
            except ValueError as refused:
                error = refused
            else:
                managers.append(manager)
        if not managers and error is not None:
            raise error
        return managers

    def asked(self, symbol: str, provider: str | None) -> list[WebSocketManager]:
        """The named provider, or those whose venue can have such a symbol.

        Raises:
            UnsupportedError: no such provider.
            ValueError: not a symbol.
        """
        return self.spelling(symbol) if provider is None else [self.manager(provider)]

    def of(self, channel: str, symbols: list[str], provider: str | None) -> list[Share]:
        """Who serves what: the named provider, the only one, or those whose configuration has the symbols.

        Raises:
            UnsupportedError: no such provider or channel.
            ValueError: not a symbol, or one that no provider's configuration has.
        """
        if provider is not None or len(self._managers) == 1:
            manager = self.manager(provider) if provider is not None else next(iter(self._managers.values()))
            names = [manager.venue.symbol(text) for text in symbols]
            return [(manager, manager.venue.channel(channel), list(dict.fromkeys(names)))]
        shares: dict[str, list[str]] = {}
        for text in symbols:
            of_symbol = [
                manager
                for manager in self.spelling(text)
                if manager.venue.symbol(text) in manager.settings.symbols
                and manager.has_channel(channel)
                and not manager.settings.standby
            ]
            if not of_symbol:
                raise ValueError(
                    f"no provider with channel {channel!r} has {text!r} among its configured symbols; "
                    f"name one with provider=, of {', '.join(self._managers)}"
                )
            for manager in of_symbol:
                shares.setdefault(manager.name, []).append(manager.venue.symbol(text))
        return [
            (self._managers[name], self._managers[name].venue.channel(channel), list(dict.fromkeys(names)))
            for name, names in shares.items()
        ]

    def subscribe(
        self, shares: list[Share], runner: CallbackRunner | None, end_runner: Callable[[CallbackRunner], None]
    ) -> Subscription:
        """Asks for the feeds and routes their events.

        Raises:
            UnsupportedError: a symbol gets the same events from another channel.
            ValueError: a ring too small for the book's snapshots.
        """
        feeds = self._acquire(shares)
        keys = [
            (feed.channel.kind, _route(manager, feed.channel, feed.symbol), feed.symbol_id) for manager, feed in feeds
        ]
        if runner is not None:
            self._dispatcher.add_callback(runner, keys)

        def on_close() -> None:
            for mirror in self._mirrors:
                mirror.drop(subscription)
            if runner is not None:
                self._dispatcher.remove_callback(runner, keys)
                end_runner(runner)
            self._uses.pop(subscription, None)
            while feeds:
                manager, feed = feeds.pop(0)
                manager.release(feed)

        names = tuple(dict.fromkeys(feed.symbol for _, feed in feeds))
        subscription = Subscription(shares[0][1].name, names, runner, on_close)
        self._uses[subscription] = (runner, feeds)
        for mirror in self._mirrors:
            mirror.add(subscription, runner, feeds)
        return subscription

    def close_of(self, manager: WebSocketManager) -> None:
        """Lets go of this provider's feeds, in every subscription. Subscriptions stay open, also those that are left
        without any: they are their owners' to close."""
        for _, feeds in list(self._uses.values()):
            for entry in [entry for entry in feeds if entry[0] is manager]:
                # Who is told that a feed is gone may close the subscription meanwhile.
                if entry in feeds:
                    feeds.remove(entry)
                    manager.release(entry[1])

    def mirror(self, primary: WebSocketManager, standin: WebSocketManager) -> Callable[[], Callable[[], None]]:
        """The primary's feeds on its stand-in, for the same callbacks. Feeds that the stand-in cannot serve are left
        out and named in the log. Subscriptions that come and go meanwhile do so there, too.

        Returns:
            What ends it, and gives what is to be called when nothing of the stand-in is on its way any more.
        """
        ends = self._join(primary, standin)
        mirror = _Mirror(primary, standin, self._dispatcher)
        self._mirrors.append(mirror)
        for subscription, (runner, feeds) in self._uses.items():
            mirror.add(subscription, runner, feeds)

        def close() -> Callable[[], None]:
            self._mirrors.remove(mirror)
            mirror.close()
            lasts = [end() for end in ends]

            def settle() -> None:
                for last in lasts:
                    last()
                if lasts:
                    self._joined[primary.venue.plan.venue] -= 1

            return settle

        return close

    def tick(self) -> None:
        """Forgets trades that neither a stand-in nor a back-fill could repeat; called a few times a second."""
        for venue, given in self._given.items():
            if not self._joined[venue]:
                given.forget(partial(self._owes, venue))

    def _owes(self, venue: str, symbol_id: int) -> bool:
        of_venue = (manager for manager in self._managers.values() if manager.venue.plan.venue == venue)
        return any(manager.owes(symbol_id) for manager in of_venue)

    def _join(
        self, primary: WebSocketManager, standin: WebSocketManager
    ) -> tuple[Callable[[], Callable[[], None]], ...]:
        """Of two providers of one venue consumers get each trade once."""
        venue = primary.venue.plan.venue
        if standin.venue.plan.venue != venue:
            return ()
        numbered = primary.venue.sequences.get(Kind.TRADE) == "contiguous"
        given = self._given.setdefault(venue, Given(numbered))
        self._joined[venue] = self._joined.get(venue, 0) + 1
        return primary.join(given), standin.join(given, primary)

    def _acquire(self, shares: list[Share]) -> Uses:
        """Every feed, or, where one raises, none."""
        feeds: Uses = []
        try:
            for manager, channel, names in shares:
                feeds += [(manager, feed) for feed in manager.acquire(channel, names)]
        except BaseException:
            for manager, feed in feeds:
                manager.release(feed)
            raise
        return feeds


class _Mirror:
    """The feeds of one provider on its stand-in, by the subscription that they are for."""

    def __init__(self, primary: WebSocketManager, standin: WebSocketManager, dispatcher: Dispatcher) -> None:
        self._primary = primary
        self._standin = standin
        self._dispatcher = dispatcher
        self._taken: dict[Subscription, tuple[CallbackRunner | None, list[Feed], list[tuple[Kind, RouteKey, int]]]] = {}

    def add(self, subscription: Subscription, runner: CallbackRunner | None, feeds: Uses) -> None:
        """Takes over what of a subscription the stand-in can serve."""
        taken: list[Feed] = []
        routed: list[tuple[Kind, RouteKey, int]] = []
        self._taken[subscription] = (runner, taken, routed)
        standin = self._standin
        for manager, feed in feeds:
            if manager is not self._primary:
                continue
            try:
                channel = standin.venue.channel(feed.channel.name)
                found = standin.acquire(channel, [standin.venue.symbol(feed.symbol)])
            except (UnsupportedError, ValueError) as error:
                _log.say(f"fallback {standin.name}", "%s cannot stand in: %s", standin.name, error)
                continue
            own = _route(self._primary, feed.channel, feed.symbol)
            keys = [(channel.kind, _route(standin, channel, each.symbol), each.symbol_id) for each in found]
            # A stand-in of the same venue gives the same events: they are routed already.
            keys = [key for key in keys if key[1] != own]
            if runner is not None and keys:
                self._dispatcher.add_callback(runner, keys)
                routed += keys
            taken += found

    def drop(self, subscription: Subscription) -> None:
        """A subscription is closed."""
        runner, taken, routed = self._taken.pop(subscription, (None, [], []))
        if runner is not None and routed:
            self._dispatcher.remove_callback(runner, routed)
        for feed in taken:
            self._standin.release(feed)

    def close(self) -> None:
        """Gives everything back."""
        for subscription in list(self._taken):
            self.drop(subscription)


def _route(manager: WebSocketManager, channel: Channel, symbol: str) -> RouteKey:
    return route_key(event_class(channel), manager.venue.plan.venue, symbol, channel.interval)
