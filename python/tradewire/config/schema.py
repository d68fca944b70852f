"""The schema: every section and setting with type, range, default and description. Reads no file (`loader.py`)."""

from __future__ import annotations

import difflib
from collections.abc import Iterator, Mapping
from types import MappingProxyType
from typing import Literal

from .kinds import Address, Choice, Flag, Integer, Listed, Mapped, Number, SecretText, Text
from .secret import Secret
from .settings import NamedList, Nested, Section, answered, section, setting

__all__ = [
    "AlertsConfig",
    "ApiConfig",
    "ApiSettings",
    "BreakerConfig",
    "Config",
    "ConnectionPoolConfig",
    "CredentialsConfig",
    "ExchangeConfig",
    "GlobalSettings",
    "MonitoringConfig",
    "ProviderConfig",
    "RateLimitConfig",
    "StreamingConfig",
    "StreamingHealthConfig",
    "ThresholdsConfig",
    "TradingApiConfig",
    "is_loopback",
]

Environment = Literal["sim", "paper", "testnet", "live"]
AuthMethod = Literal["none", "api_key", "hmac", "ed25519", "bearer"]
Policy = Literal["conflate", "drop_oldest", "keep"]

_ENVIRONMENT = Choice("sim", "paper", "testnet", "live")
_NAME = Text("letters, digits, '-' and '_', beginning with a letter", r"[A-Za-z][A-Za-z0-9_-]{0,63}")
_CHANNEL = Text("a channel such as trades, quotes, book or bars_1m", r"[A-Za-z][A-Za-z0-9_]{0,31}")
_SYMBOL = Text("a symbol such as AAPL or BTC/USDT", r"[^\s,]{1,64}")
_NOTHING: Mapping[str, object] = MappingProxyType({})


def is_loopback(host: str) -> bool:
    """Whether only this machine reaches a host: `localhost`, `127.x.y.z`, `::1`."""
    if host == "localhost" or host == "::1":
        return True
    parts = host.split(".")
    return len(parts) == 4 and parts[0] == "127" and all(part.isdigit() and int(part) < 256 for part in parts)


@section
class CredentialsConfig(Section):
    """A key pair, or a token."""

    api_key: Secret | None = setting(SecretText(), "Key, token or account id.", default=None)
    secret_key: Secret | None = setting(
        SecretText(), "Secret of the key; the PEM text of an Ed25519 key.", default=None
    )
    environment: Environment | None = setting(
        _ENVIRONMENT, "What the key is for; orders refuse a key of another environment.", default=None
    )


@section
class RateLimitConfig(Section):
    """Limits that we keep before the venue enforces its own."""

    default_rate: float = setting(Number(0.1, 1_000_000), "Requests per minute.")
    burst_allowance: int = setting(Integer(1, 100_000), "Requests at once after a pause.", default=1)


@section
class BreakerConfig(Section):
    """When a failing provider is left alone."""

    failure_threshold: int = setting(Integer(1, 10_000), "Failures in a row that open it.", default=5)
    timeout: float | None = setting(
        Number(0.1, 86_400, "seconds"),
        "How long it stays open before a probe; left out: `streaming_health.thresholds.circuit_breaker_timeout`.",
        default=None,
    )


@section
class ProviderConfig(Section):
    """One market data connection of the gateway."""

    name: str = setting(_NAME, "Its name, in logs, metrics and `fallback`.")
    venue: str | None = setting(
        _NAME,
        "binance, binance_spot, alpaca, alpaca_crypto or a registered provider; the name when left out.",
        default=None,
    )
    enabled: bool = setting(Flag(), "Whether it is connected.", default=True)
    websocket_url: str | None = setting(
        Address("wss", "ws"),
        "Instead of the venue's own; elsewhere (simulator, testnet) only with `rest_url`.",
        default=None,
    )
    rest_url: str | None = setting(
        Address("https", "http"),
        "Instead of the venue's own; elsewhere (simulator, testnet) only with `websocket_url`.",
        default=None,
    )
    auth_method: AuthMethod = setting(
        Choice("none", "api_key", "hmac", "ed25519", "bearer"), "How the connection authenticates.", default="none"
    )
    credential: str | None = setting(
        _NAME, "Name of an entry of `credentials`, or of the variables NAME_API_KEY and NAME_SECRET_KEY.", default=None
    )
    credentials: CredentialsConfig | None = setting(
        Nested(CredentialsConfig), "A key of its own; left out: NAME_API_KEY and NAME_SECRET_KEY.", default=None
    )
    subscriptions: tuple[str, ...] = setting(Listed(_CHANNEL), "Channels of each symbol.", default=())
    symbols: tuple[str, ...] | None = setting(Listed(_SYMBOL), "Instead of `streaming.symbols`.", default=None)
    codec: Literal["json", "msgpack"] = setting(Choice("json", "msgpack"), "Encoding on the wire.", default="json")
    rate_limit: RateLimitConfig | None = setting(
        Nested(RateLimitConfig), "Of REST requests and control messages, below the venue's limits.", default=None
    )
    circuit_breaker: BreakerConfig | None = setting(Nested(BreakerConfig), "Left out: none.", default=None)
    fallback: str | None = setting(_NAME, "Name of the provider used while this one is down.", default=None)
    standby: bool = setting(Flag(), "Connected only as somebody's fallback.", default=False)
    stale_after: Mapping[str, float] = setting(
        Mapped(Number(0.1, 86_400, "seconds"), "channel"), "Silence that is not normal, by channel.", default=_NOTHING
    )
    policies: Mapping[str, Policy] = setting(
        Mapped(Choice("conflate", "drop_oldest", "keep"), "channel"),
        "What a full queue does, by channel.",
        default=_NOTHING,
    )

    def rules(self) -> Iterator[tuple[str, str]]:
        """A provider is not its own fallback, and two kinds of credentials are one too many."""
        yield from answered(self._other_fallback)
        yield from answered(self._one_credential)

    def _other_fallback(self) -> Iterator[tuple[str, str]]:
        if self.fallback == self.name:
            yield "fallback", "must name another provider"

    def _one_credential(self) -> Iterator[tuple[str, str]]:
        if self.credential is not None and self.credentials is not None:
            yield "credential", "must be left out where credentials are written, or the other way round"


@section
class StreamingConfig(Section):
    """Market data: what is streamed, and from where."""

    symbols: tuple[str, ...] = setting(Listed(_SYMBOL), "Symbols of every provider without its own.", default=())
    providers: tuple[ProviderConfig, ...] = setting(NamedList(ProviderConfig), "Connections.", default=())
    buffer_size: int = setting(
        Integer(1, 100_000_000),
        "Events that each consumer's queue holds; of `batches()`: messages, and four times as many records.",
        default=10_000,
    )
    reconnect_attempts: int = setting(
        Integer(1, 1_000), "Failed attempts after which the fallback takes over and an alert is raised.", default=5
    )
    health_check_interval: float = setting(Number(0.1, 3_600, "seconds"), "Between pings.", default=30.0)
    loop: Literal["sleep", "spin"] = setting(
        Choice("sleep", "spin"), "`spin` never sleeps: lower latency, one core fully used.", default="sleep"
    )

    def rules(self) -> Iterator[tuple[str, str]]:
        """Fallbacks exist, and a standby is somebody's fallback."""
        yield from answered(self._known_fallbacks)
        yield from answered(self._used_standbys)

    def _known_fallbacks(self) -> Iterator[tuple[str, str]]:
        names = [provider.name for provider in self.providers if provider.enabled]
        for provider in self.providers:
            yield from answered(self._known_fallback, provider, names)

    def _known_fallback(self, provider: ProviderConfig, names: list[str]) -> Iterator[tuple[str, str]]:
        if provider.enabled and provider.fallback is not None and provider.fallback not in names:
            rule = f"must be the name of an enabled provider ({', '.join(names)})"
            yield f"providers.{provider.name}.fallback", rule

    def _used_standbys(self) -> Iterator[tuple[str, str]]:
        fallbacks = {provider.fallback for provider in self.providers if provider.enabled}
        for provider in self.providers:
            yield from answered(self._used_standby, provider, fallbacks)

    def _used_standby(self, provider: ProviderConfig, fallbacks: set[str | None]) -> Iterator[tuple[str, str]]:
        if provider.standby and provider.enabled and provider.name not in fallbacks:
            rule = f"is never used: name {provider.name} as the fallback of another provider"
            yield f"providers.{provider.name}.standby", rule


@section
class MonitoringConfig(Section):
    """Whether feeds are watched."""

    enabled: bool = setting(Flag(), "Whether they are.", default=True)
    check_interval: float = setting(Number(0.1, 3_600, "seconds"), "Between checks.", default=5.0)


@section
class ThresholdsConfig(Section):
    """Beyond these a feed is unhealthy."""

    max_latency_ms: float = setting(
        Number(0.001, 3_600_000, "milliseconds"),
        "Of each of two hops: from the venue's event to receipt, and from the batch to the callback.",
        default=100.0,
    )
    min_throughput_msg_per_sec: float | None = setting(
        Number(0, 1_000_000_000), "Messages a second of a provider; left out: not watched.", default=None
    )
    max_queue_depth: int = setting(
        Integer(1, 100_000_000), "Events, or messages of batches, waiting in one queue.", default=5_000
    )
    circuit_breaker_timeout: float = setting(
        Number(0.1, 86_400, "seconds"), "How long a breaker without its own stays open.", default=60.0
    )
    max_bad_messages_per_min: int = setting(
        Integer(1, 1_000_000), "Messages refused by the decoder before the feed counts as broken.", default=10
    )


@section
class AlertsConfig(Section):
    """Where alerts go."""

    enabled: bool = setting(Flag(), "Whether there are any.", default=True)
    channels: tuple[str, ...] = setting(Listed(Choice("log", "metrics")), "Where they go.", default=("log", "metrics"))
    escalation_threshold: int = setting(Integer(1, 1_000), "Warnings in a row that make an error.", default=3)


@section
class ApiConfig(Section):
    """The health server."""

    enabled: bool = setting(Flag(), "Whether it runs.", default=False)
    host: str = setting(
        Text("a host name or address", r"[A-Za-z0-9.:_-]{1,253}"), "Where it listens.", default="127.0.0.1"
    )
    port: int = setting(Integer(0, 65_535), "Where it listens; 0: a free one.", default=8_000)
    token: Secret | None = setting(SecretText(), "What callers show; needed beyond loopback.", default=None)

    def rules(self) -> Iterator[tuple[str, str]]:
        """Whoever listens to the world asks for a token."""
        yield from answered(self._guarded)

    def _guarded(self) -> Iterator[tuple[str, str]]:
        if self.enabled and self.token is None and not is_loopback(self.host):
            yield (
                "host",
                "is reachable by others: set a token beside it (token: ${HEALTH_TOKEN}, 32 random "
                "characters or more), or host: 127.0.0.1",
            )


@section
class StreamingHealthConfig(Section):
    """Watching the feeds."""

    monitoring: MonitoringConfig = setting(Nested(MonitoringConfig), "The watch.", default=MonitoringConfig())
    thresholds: ThresholdsConfig = setting(Nested(ThresholdsConfig), "Limits.", default=ThresholdsConfig())
    alerts: AlertsConfig = setting(Nested(AlertsConfig), "Alerts.", default=AlertsConfig())
    api: ApiConfig = setting(Nested(ApiConfig), "The health server.", default=ApiConfig())


@section
class GlobalSettings(Section):
    """What holds for all APIs."""

    timezone: str = setting(
        Text("a time zone such as UTC or America/New_York", r"[A-Za-z][A-Za-z0-9_+-]*(?:/[A-Za-z0-9_+-]+){0,2}"),
        "Of times shown to people.",
        default="UTC",
    )
    enable_paper_trading: bool = setting(Flag(), "Must be false in live.", default=True)
    default_timeout_ms: int = setting(Integer(1, 600_000, "milliseconds"), "Of a request.", default=5_000)

    def rules(self) -> Iterator[tuple[str, str]]:
        """The time zone is one that the system knows."""
        yield from answered(self._known_timezone)

    def _known_timezone(self) -> Iterator[tuple[str, str]]:
        import zoneinfo

        try:
            zoneinfo.ZoneInfo(self.timezone)
        except (zoneinfo.ZoneInfoNotFoundError, ValueError, OSError):
            known = zoneinfo.available_timezones()
            # A system may come without any.
            if known:
                found = difflib.get_close_matches(self.timezone, known, n=1)
                yield "timezone", "is not known" + (f": did you mean {found[0]!r}?" if found else "; UTC always is")


@section
class ConnectionPoolConfig(Section):
    """Connections kept open per API."""

    min_connections: int = setting(Integer(0, 1_000), "Kept open.", default=3)
    max_connections: int = setting(Integer(1, 1_000), "Opened at most.", default=10)
    health_check_interval: float = setting(Number(0.1, 3_600, "seconds"), "Between pings.", default=30.0)
    connection_timeout: float = setting(Number(0.1, 600, "seconds"), "To open one.", default=10.0)
    idle_timeout: float = setting(Number(1, 86_400, "seconds"), "Idle ones above the minimum are closed.", default=60.0)

    def rules(self) -> Iterator[tuple[str, str]]:
        """The minimum is not above the maximum."""
        yield from answered(self._ordered)

    def _ordered(self) -> Iterator[tuple[str, str]]:
        if self.min_connections > self.max_connections:
            yield "min_connections", f"must not be above max_connections ({self.max_connections})"


@section
class ApiSettings(Section):
    """What an API is told beside its credentials."""

    use_paper_trading: bool = setting(Flag(), "Must be false in live, true in sim.", default=True)


@section
class TradingApiConfig(Section):
    """One trading API."""

    provider: str = setting(_NAME, "Whose API.")
    enabled: bool = setting(Flag(), "Whether it is used.", default=True)
    credentials: CredentialsConfig = setting(Nested(CredentialsConfig), "Its key.", default=CredentialsConfig())
    settings: ApiSettings = setting(Nested(ApiSettings), "Its settings.", default=ApiSettings())


@section
class ExchangeConfig(Section):
    """One exchange to trade on."""

    name: str = setting(_NAME, "Whose API, such as BINANCE.")
    api_key: Secret | None = setting(SecretText(), "Key.", default=None)
    api_secret: Secret | None = setting(SecretText(), "Secret of the key.", default=None)
    testnet: bool = setting(
        Flag(), "The exchange's test network; must be false in live, true in testnet and sim.", default=True
    )
    paper_trading: bool = setting(Flag(), "Must be false in live.", default=True)
    rate_limit_requests: int = setting(Integer(1, 1_000_000), "Requests within the window.", default=1_200)
    rate_limit_window: float = setting(Number(0.1, 86_400, "seconds"), "The window.", default=60.0)
    timeout: float = setting(Number(0.1, 600, "seconds"), "Of a request.", default=30.0)
    retry_attempts: int = setting(Integer(0, 100), "Of queries and cancels; orders are never repeated.", default=3)


@section
class Config(Section):
    """A whole configuration."""

    environment: Environment = setting(
        _ENVIRONMENT,
        "Where orders go (`sim`: to simulated venues); never changed by a reload. Market data is not affected.",
        default="paper",
    )
    unsafe_hosts: bool = setting(
        Flag(),
        "Allows addresses that are not the venue's own, over TLS; refused in live.",
        default=False,
    )
    global_settings: GlobalSettings = setting(Nested(GlobalSettings), "For all APIs.", default=GlobalSettings())
    connection_pool: ConnectionPoolConfig = setting(
        Nested(ConnectionPoolConfig), "Connections.", default=ConnectionPoolConfig()
    )
    credentials: Mapping[str, CredentialsConfig] = setting(
        Mapped(Nested(CredentialsConfig), "name"), "Keys that providers name.", default=_NOTHING
    )
    apis: Mapping[str, TradingApiConfig] = setting(Mapped(Nested(TradingApiConfig), "name"), "APIs.", default=_NOTHING)
    exchanges: Mapping[str, ExchangeConfig] = setting(
        Mapped(Nested(ExchangeConfig), "name"), "Exchanges.", default=_NOTHING
    )
    streaming: StreamingConfig = setting(Nested(StreamingConfig), "Market data.", default=StreamingConfig())
    streaming_health: StreamingHealthConfig = setting(
        Nested(StreamingHealthConfig), "Watching the feeds.", default=StreamingHealthConfig()
    )
