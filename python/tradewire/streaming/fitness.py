"""Whether a configuration suits the venues that it names: everything that does not, at once. Opens nothing.

The schema knows no venues, and `plan_of` stops at the first thing that does not fit.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from tradewire.config.settings import answered, is_complete
from tradewire.errors import TradewireError, UnsupportedError
from tradewire.telemetry.origin import origin_of
from tradewire.transport.address import check_address
from tradewire.venues.adapter import AdapterVenue
from tradewire.venues.registry import allowed_hosts, load

from .plan import key_of, plan_of

if TYPE_CHECKING:
    from tradewire.config import Config
    from tradewire.config.schema import ProviderConfig
    from tradewire.config.secret import Secret
    from tradewire.venues.base import MarketDataVenue

__all__ = ["misfits", "unknown_venues", "unserved"]


def unknown_venues(config: Config) -> dict[str, str]:
    """Path of each enabled provider whose venue is not known here -> what is. A program may register it, so that this
    need not be wrong."""
    return dict(found for provider in _enabled(config) for found in answered(_unknown, provider))


def _unknown(provider: ProviderConfig) -> Iterator[tuple[str, str]]:
    yield from ((_path(provider), rule) for rule in _refused(load, provider.venue or provider.name))


def misfits(config: Config, environ: Mapping[str, str] | None = None) -> Iterator[tuple[str, str]]:
    """(path, what is wrong and what there is): channels, symbols, codecs and keys that the venues refuse, and
    more providers with one key at one address than the venue lets connect.

    Providers of unknown venues are left out, and that there need not be any: for `tradewire config check`.

    Args:
        config: checked against the schema already; it may lack what could not be read.
        environ: where keys are that the configuration does not hold; None: the process's.
    """
    yield from answered(_misfits, config, environ)


def _misfits(config: Config, environ: Mapping[str, str] | None) -> Iterator[tuple[str, str]]:
    sound = True
    providers = config.streaming.providers
    if providers and not any(getattr(provider, "enabled", True) for provider in providers):
        yield "streaming.providers", "must hold at least one enabled provider"
    for provider in _enabled(config):
        for path, rule in answered(_of_provider, config, provider, environ):
            sound = False
            yield path, rule
    if not is_complete(config.streaming) or not is_complete(config.credentials):
        # Of half a key or half a list nothing true can be said.
        return
    for path, rule in _crowded(config, environ):
        sound = False
        yield path, rule
    if sound and not unknown_venues(config):
        # What shows only when all is put together.
        yield from (("streaming.providers", rule) for rule in _refused(plan_of, config, environ))


def unserved(config: Config, environ: Mapping[str, str] | None = None) -> Iterator[tuple[str, str]]:
    """(path, what is wrong) of everything for which no gateway can be made: `misfits`, unknown venues, no provider.

    Args:
        config: as for `misfits`.
        environ: as for `misfits`.
    """
    yield from answered(_unserved, config)
    yield from misfits(config, environ)


def _unserved(config: Config) -> Iterator[tuple[str, str]]:
    if not config.streaming.providers:
        yield "streaming.providers", "must hold at least one enabled provider, was empty"
    yield from unknown_venues(config).items()


def _of_provider(
    config: Config, provider: ProviderConfig, environ: Mapping[str, str] | None
) -> Iterator[tuple[str, str]]:
    try:
        venue = load(provider.venue or provider.name)
    except UnsupportedError:
        return
    for questions in (_subscriptions, _channels_elsewhere, _symbols, _address):
        yield from answered(questions, config, provider, venue)
    if is_complete(provider) and is_complete(config.credentials):
        for rule in _refused(lambda: venue.session(key_of(config, provider, venue, environ), provider.codec)):
            # What is wrong with a key begins with the setting that holds it, where it is one of the provider's.
            setting, _, rest = rule.partition(" ")
            if setting.startswith(f"{_path(provider)}."):
                yield setting, rest
            elif provider.credential is not None and rule.startswith("no credential "):
                # Where the rules of the schema say it too.
                yield f"{_path(provider)}.credential", rule
            else:
                yield _path(provider), rule


def _path(provider: ProviderConfig) -> str:
    return f"streaming.providers.{provider.name}"


def _subscriptions(_: Config, provider: ProviderConfig, venue: MarketDataVenue) -> Iterator[tuple[str, str]]:
    for number, name in enumerate(provider.subscriptions):
        yield from ((f"{_path(provider)}.subscriptions.[{number}]", rule) for rule in _refused(venue.channel, name))


def _channels_elsewhere(_: Config, provider: ProviderConfig, venue: MarketDataVenue) -> Iterator[tuple[str, str]]:
    for setting in ("stale_after", "policies"):
        for name in getattr(provider, setting):
            yield from ((f"{_path(provider)}.{setting}.{name}", rule) for rule in _refused(venue.channel, name))


def _symbols(config: Config, provider: ProviderConfig, venue: MarketDataVenue) -> Iterator[tuple[str, str]]:
    where, texts = f"{_path(provider)}.symbols", provider.symbols
    if texts is None:
        where, texts = "streaming.symbols", config.streaming.symbols
    for number, text in enumerate(texts):
        yield from ((f"{where}.[{number}]", f"{provider.name}: {rule}") for rule in _refused(venue.symbol, text))


def _address(_: Config, provider: ProviderConfig, venue: MarketDataVenue) -> Iterator[tuple[str, str]]:
    for rule in _refused(venue.stream_url, "", provider.websocket_url):
        yield f"{_path(provider)}.websocket_url", rule
    if isinstance(venue, AdapterVenue):
        return
    sound = True
    for name, schemes in (("websocket_url", ("wss", "ws")), ("rest_url", ("https", "http"))):
        for rule in _refused(check_address, name, getattr(provider, name), schemes):
            sound = False
            yield f"{_path(provider)}.{name}", rule.removeprefix(f"{name} ")
    if sound:
        yield from _half_elsewhere(provider)


def _half_elsewhere(provider: ProviderConfig) -> Iterator[tuple[str, str]]:
    """One address that is not of the venue's market (a simulator, a testnet), and the other left to the venue."""
    name = provider.venue or provider.name
    own = allowed_hosts("live").get(name)
    for given, missing in (("websocket_url", "rest_url"), ("rest_url", "websocket_url")):
        url = getattr(provider, given)
        # Of a venue that somebody registered, nobody here knows the hosts.
        if url is None or getattr(provider, missing) is not None or own is None:
            continue
        host = urlsplit(url).hostname or ""
        if host not in own:
            yield (
                f"{_path(provider)}.{given}",
                f"{host} is not the market of {name}, and {given} is given without {missing}: give both, so that "
                "stream and book snapshots come from one venue",
            )


def _crowded(config: Config, environ: Mapping[str, str] | None) -> Iterator[tuple[str, str]]:
    """Providers for which their venue has no connection left: it counts them by address and key."""
    held: list[tuple[str, Secret, str]] = []
    for provider in _enabled(config):
        try:
            venue = load(provider.venue or provider.name)
            credential = key_of(config, provider, venue, environ)
        except (TradewireError, ValueError):
            # Told already.
            continue
        most = venue.limits.links_per_credential
        if most is None or credential is None:
            continue
        address = venue.stream_url("", provider.websocket_url)
        names = [name for where, key, name in held if (where, key) == (address, credential.api_key)]
        held.append((address, credential.api_key, provider.name))
        if len(names) >= most:
            told = origin_of(address) if provider.websocket_url else address
            yield (
                _path(provider),
                f"{venue.name} lets one key hold {most} connection(s) to {told}, and {', '.join(names[:most])} "
                "has the same address and key: give it another credential, or put its symbols and channels there",
            )


def _enabled(config: Config) -> list[ProviderConfig]:
    """Those of which it is known."""
    return [provider for provider in config.streaming.providers if getattr(provider, "enabled", False)]


def _refused(question: Callable[..., object], *words: object) -> Iterator[str]:
    """What is wrong, if anything is."""
    try:
        question(*words)
    except (TradewireError, ValueError) as error:
        yield str(error)
