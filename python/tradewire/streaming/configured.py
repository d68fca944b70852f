"""From a configuration to the providers and subscriptions of a gateway, also when it changes. Opens nothing itself."""

from __future__ import annotations

import logging
import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from tradewire.errors import TradewireError, UnsupportedError
from tradewire.venues.registry import allowed_hosts, load

from .dispatch import EVENT_CLASSES
from .provider import ProviderSettings
from .queues import Policy

if TYPE_CHECKING:
    from tradewire.config import Config, ConfigLoader
    from tradewire.config.difference import Change
    from tradewire.config.schema import ProviderConfig, StreamingHealthConfig
    from tradewire.transport.auth import AuthManager, Credential
    from tradewire.venues.base import MarketDataVenue

__all__ = ["Configured", "GatewayPlan", "credential_of", "key_of", "plan_of"]

_logger = logging.getLogger("tradewire.streaming")


@dataclass(frozen=True, slots=True)
class GatewayPlan:
    """What a configuration asks of a gateway.

    Attributes:
        providers: by name.
        subscriptions: (provider, channel, symbols in the venue's spelling), in the order of the file.
        queue_capacity: events per consumer queue.
        policies: by event class.
        health: thresholds and alerts; None: nobody asked for any.
        spin: whether the event loop never sleeps.
    """

    providers: Mapping[str, ProviderSettings]
    subscriptions: tuple[tuple[str, str, tuple[str, ...]], ...]
    queue_capacity: int
    policies: dict[type, Policy] = field(default_factory=dict)
    health: StreamingHealthConfig | None = None
    spin: bool = False


def plan_of(config: Config, environ: Mapping[str, str] | None = None) -> GatewayPlan:
    """Reads the sections `streaming` and `streaming_health`.

    Args:
        config: checked against the schema already.
        environ: where keys are that the configuration does not hold; None: the process's.

    Raises:
        MissingCredentialError: a provider that authenticates has no key.
        UnsupportedError: an unknown venue or channel.
        ValueError: no provider; not a symbol of the venue; two policies for one sort of event.
    """
    streaming = config.streaming
    enabled = [provider for provider in streaming.providers if provider.enabled]
    if not enabled:
        raise ValueError("streaming.providers must hold at least one enabled provider, was empty")
    providers: dict[str, ProviderSettings] = {}
    subscriptions: list[tuple[str, str, tuple[str, ...]]] = []
    policies: dict[type, Policy] = {}
    for provider in enabled:
        venue = load(provider.venue or provider.name)
        texts = provider.symbols if provider.symbols is not None else streaming.symbols
        symbols = tuple(dict.fromkeys(venue.symbol(text) for text in texts))
        providers[provider.name] = _settings(
            config, provider, venue, frozenset(symbols), key_of(config, provider, venue, environ)
        )
        _merge(policies, provider, venue)
        if not provider.standby and symbols:
            subscriptions += [(provider.name, venue.channel(name).name, symbols) for name in provider.subscriptions]
    health, spin = config.streaming_health, streaming.loop == "spin"
    return GatewayPlan(providers, tuple(subscriptions), streaming.buffer_size, policies, health, spin)


def _settings(
    config: Config,
    provider: ProviderConfig,
    venue: MarketDataVenue,
    symbols: frozenset[str],
    credential: Credential | None,
) -> ProviderSettings:
    breaker, rate = provider.circuit_breaker, provider.rate_limit
    # Unknown names show now.
    stale_after = {venue.channel(name).name: seconds for name, seconds in provider.stale_after.items()}
    return ProviderSettings(
        provider.name,
        venue,
        provider.websocket_url,
        provider.rest_url,
        credential=credential,
        codec=provider.codec,
        stale_after_s=stale_after,
        symbols=symbols,
        reconnect_attempts=config.streaming.reconnect_attempts,
        bad_messages_per_min=config.streaming_health.thresholds.max_bad_messages_per_min,
        breaker=None
        if breaker is None
        else (breaker.failure_threshold, breaker.timeout or config.streaming_health.thresholds.circuit_breaker_timeout),
        rate_limit=None if rate is None else (rate.default_rate, rate.burst_allowance),
        ping_interval_s=config.streaming.health_check_interval,
        fallback=provider.fallback,
        standby=provider.standby,
    )


def credential_of(venue: MarketDataVenue) -> Credential | None:
    """The venue's key in the environment; None: it needs none.

    Raises:
        MissingCredentialError: it needs one.
    """
    if not venue.needs_credential:
        return None
    from tradewire.transport.auth import AuthManager

    manager = AuthManager()
    return manager.credential(venue.name, _account(manager, venue.name, venue))


def key_of(
    config: Config, provider: ProviderConfig, venue: MarketDataVenue, environ: Mapping[str, str] | None
) -> Credential | None:
    """The key of a configured provider; None: it needs none.

    Raises:
        MissingCredentialError: it needs one.
    """
    method = provider.auth_method if provider.auth_method != "none" else None
    if method is None and not venue.needs_credential:
        return None
    from tradewire.transport.auth import AuthManager

    own = provider.credentials
    manager = AuthManager(dict(config.credentials) | ({provider.name: own} if own is not None else {}), environ)
    return manager.credential(venue.name, provider.credential or _account(manager, provider.name, venue), method)


def _account(manager: AuthManager, name: str, venue: MarketDataVenue) -> str:
    """Whose key it is where nobody says: the provider's own, else that of the house, whose markets share their accounts
    (`alpaca` for `alpaca_crypto`)."""
    house = venue.name.partition("_")[0]
    known = manager.names()
    # Variables have neither case nor hyphens.
    own = name in known or name.lower().replace("-", "_") in known
    return house if not own and (house in known or name == venue.name) else name


def _merge(policies: dict[type, Policy], provider: ProviderConfig, venue: MarketDataVenue) -> None:
    for name, policy in provider.policies.items():
        event_class = EVENT_CLASSES[venue.channel(name).kind]
        if policies.setdefault(event_class, policy) != policy:
            raise UnsupportedError(
                f"streaming.providers.{provider.name}.policies.{name} is {policy!r}, and another channel with "
                f"{event_class.__name__} events has {policies[event_class]!r}: a queue has one policy for each sort"
            )


class Configured:
    """A configuration and what it asks for, kept current where that is wanted.

    Args:
        config: a file, or a loaded configuration.
        hot_reload: whether changes of the file are followed.

    Attributes:
        plan: what it asks for now.

    Raises:
        ConfigError: everything that is wrong with the file.
        ValueError: `hot_reload` without a file.
    """

    def __init__(self, config: str | os.PathLike[str] | Config, *, hot_reload: bool) -> None:
        # Here and not above: a gateway without a configuration does not pay for the room.
        from tradewire.config import Config, ConfigLoader

        self._loader: ConfigLoader | None = None
        if isinstance(config, Config):
            if hot_reload:
                raise ValueError("hot_reload needs the configuration's file, not a loaded configuration")
            loaded = config
        else:
            self._loader = ConfigLoader(config, enable_hot_reload=hot_reload, allowed_hosts=allowed_hosts)
            loaded = self._loader.load()
        self._hot = hot_reload
        self.plan = plan_of(loaded, self._environ())
        if loaded.streaming_health.api.enabled:
            _logger.warning(
                "streaming_health.api.enabled: the health server is not part of this version; "
                "`tradewire stream --metrics-port N` serves metrics on 127.0.0.1"
            )

    async def start(self, apply: Callable[[GatewayPlan], None]) -> None:
        """Follows the file, where that is wanted.

        Args:
            apply: takes each new plan; one that it or the venues refuse is logged, and the old one stays.
        """
        if self._loader is None or not self._hot:
            return

        def on_change(change: Change) -> None:
            if not (change.touches("streaming") or change.touches("streaming_health")):
                return
            try:
                plan = plan_of(change.new, self._environ())
                apply(plan)
            except (TradewireError, ValueError) as error:
                _logger.error("the changed configuration cannot be applied, the gateway goes on as before: %s", error)
                apply(self.plan)
            else:
                self.plan = plan
                _logger.info("configuration applied: %s", ", ".join(sorted(change.paths)))

        self._loader.subscribe(on_change)
        await self._loader.start()

    def _environ(self) -> dict[str, str] | None:
        """The environment that the loader began with, since the present one may hold no keys any more, and `.env`."""
        return None if self._loader is None else self._loader.reading.variables.plain()

    async def stop(self) -> None:
        """Follows it no more."""
        if self._loader is not None:
            await self._loader.stop()
