"""From a configuration to the providers and subscriptions of a gateway, and from channels to the policies of queues.

Opens nothing, and follows no changes.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from tradewire.errors import MissingCredentialError, UnsupportedError
from tradewire.venues.adapter import AdapterVenue
from tradewire.venues.registry import house, load

from .dispatch import event_class
from .provider import ProviderSettings
from .queues import Policy, policy_of

if TYPE_CHECKING:
    from tradewire.config import Config
    from tradewire.config.schema import ProviderConfig, StreamingHealthConfig
    from tradewire.transport.auth import AuthManager, Credential
    from tradewire.venues.base import Channel, MarketDataVenue

__all__ = ["GatewayPlan", "add_policies", "by_channel", "credential_of", "key_of", "plan_of"]


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
    """Reads the sections `streaming` and `streaming_health`. Stops at the first thing that a venue cannot serve.

    Args:
        config: checked against the schema already.
        environ: where keys are that the configuration does not hold; None: the process's.

    Raises:
        MissingCredentialError: a provider that authenticates has no key.
        UnsupportedError: an unknown venue or channel; two policies for one sort of event.
        ValueError: not a symbol of the venue, or a key that cannot be used.
    """
    streaming = config.streaming
    providers: dict[str, ProviderSettings] = {}
    subscriptions: list[tuple[str, str, tuple[str, ...]]] = []
    policies: dict[type, Policy] = {}
    for provider in streaming.providers:
        if not provider.enabled:
            continue
        venue = load(provider.venue or provider.name)
        texts = provider.symbols if provider.symbols is not None else streaming.symbols
        symbols = tuple(dict.fromkeys(venue.symbol(text) for text in texts))
        providers[provider.name] = _settings(
            config, provider, venue, frozenset(symbols), key_of(config, provider, venue, environ)
        )
        add_policies(policies, provider.policies, [venue], f"streaming.providers.{provider.name}.policies")
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
    where = f"streaming.providers.{provider.name}.stale_after"
    return ProviderSettings(
        provider.name,
        venue,
        provider.websocket_url,
        provider.rest_url,
        credential=credential,
        codec=provider.codec,
        stale_after_s=by_channel(venue, provider.stale_after, where),
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


def by_channel(venue: MarketDataVenue, named: Mapping[str, float], where: str) -> dict[str, float]:
    """What is named by channel, under the venue's own names (`bars_1m` for `bars`).

    Args:
        venue: whose channels.
        named: as written.
        where: the setting or argument, for error texts.

    Raises:
        UnsupportedError: the venue has no such channel.
    """
    found: dict[str, float] = {}
    for name, value in named.items():
        try:
            found[venue.channel(name).name] = value
        except UnsupportedError as error:
            raise UnsupportedError(f"{where}: {error}") from None
    return found


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
        ValueError: it cannot be used; begins with the setting or variable that holds it.
    """
    method = provider.auth_method if provider.auth_method != "none" else None
    if method is None and not venue.needs_credential:
        return None
    from tradewire.transport.auth import AuthManager

    own, path = provider.credentials, f"streaming.providers.{provider.name}"
    manager = AuthManager(dict(config.credentials) | ({provider.name: own} if own is not None else {}), environ)
    places = {name: f"{path}.credentials.{name}" for name in ("api_key", "secret_key")}
    places["method"] = f"{path}.auth_method"
    try:
        return manager.credential(
            venue.name,
            provider.credential or _account(manager, provider.name, venue),
            method,
            places=None if own is None else places,
        )
    except MissingCredentialError as error:
        raise MissingCredentialError(f"{error}; `enabled: false` lets the others run without it") from None


def _account(manager: AuthManager, name: str, venue: MarketDataVenue) -> str:
    """Whose key it is where nobody says: the provider's own, else that of the venue's house."""
    shared = house(venue)
    known = manager.names()
    # Variables have neither case nor hyphens.
    own = name in known or name.lower().replace("-", "_") in known
    return shared if not own and (shared in known or name == venue.name) else name


def add_policies(
    policies: dict[type, Policy], named: Mapping[str, Policy], venues: Sequence[MarketDataVenue], where: str
) -> None:
    """Adds what is named by channel to what queues go by.

    Args:
        policies: by event class.
        named: by channel.
        venues: one of them has each channel.
        where: the setting or argument, for error texts.

    Raises:
        TypeError: no mapping.
        UnsupportedError: a channel that no venue has; two policies for one sort of event.
        ValueError: no such policy.
    """
    if not isinstance(named, Mapping):
        raise TypeError(f"{where} must map channels to policies, like {{'trades': 'keep'}}, was {named!r}")
    for name, word in named.items():
        policy, sort = policy_of(name, word), event_class(_channel(name, venues))
        if policies.setdefault(sort, policy) != policy:
            raise UnsupportedError(
                f"{where}.{name} is {policy!r}, and another channel with {sort.__name__} events has "
                f"{policies[sort]!r}: a queue has one policy for each sort"
            )


def _channel(name: str, venues: Sequence[MarketDataVenue]) -> Channel:
    """The same name is the same sort of events at every venue; only custom providers, which have channels of any
    name, do not know of what sort, and are asked last."""
    refused: list[str] = []
    for venue in sorted(venues, key=lambda venue: isinstance(venue, AdapterVenue)):
        try:
            return venue.channel(name)
        except UnsupportedError as error:
            refused.append(str(error))
    raise UnsupportedError("; ".join(refused))
