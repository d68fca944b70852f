"""Whether a configuration suits the venues that it names: everything that does not, at once. Opens nothing.

The schema knows no venues, and `plan_of` stops at the first thing that does not fit.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import TYPE_CHECKING

from tradewire.errors import TradewireError, UnsupportedError
from tradewire.venues.registry import load

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
    found = {}
    for provider in _enabled(config):
        for message in _refused(load, provider.venue or provider.name):
            found[f"streaming.providers.{provider.name}"] = message
    return found


def misfits(config: Config, environ: Mapping[str, str] | None = None) -> Iterator[tuple[str, str]]:
    """(path, what is wrong and what there is): channels, symbols, codecs and keys that the venues refuse, and
    more providers with one key at one address than the venue lets connect.

    Providers of unknown venues are left out, and that there need not be any: for `tradewire config check`.

    Args:
        config: checked against the schema already.
        environ: where keys are that the configuration does not hold; None: the process's.
    """
    sound = True
    if config.streaming.providers and not _enabled(config):
        yield "streaming.providers", "must hold at least one enabled provider"
    for provider in _enabled(config):
        try:
            venue = load(provider.venue or provider.name)
        except UnsupportedError:
            sound = False
            continue
        for path, rule in _of_provider(config, provider, venue, environ):
            sound = False
            yield path, rule
    for path, rule in _crowded(config, environ):
        sound = False
        yield path, rule
    if sound:
        # What shows only when all is put together.
        yield from (("streaming.providers", rule) for rule in _refused(plan_of, config, environ))


def unserved(config: Config, environ: Mapping[str, str] | None = None) -> Iterator[tuple[str, str]]:
    """(path, what is wrong) of everything for which no gateway can be made: `misfits`, unknown venues, no provider.

    Args:
        config: checked against the schema already.
        environ: as for `misfits`.
    """
    if not config.streaming.providers:
        yield "streaming.providers", "must hold at least one enabled provider, was empty"
    yield from unknown_venues(config).items()
    yield from misfits(config, environ)


def _of_provider(
    config: Config, provider: ProviderConfig, venue: MarketDataVenue, environ: Mapping[str, str] | None
) -> Iterator[tuple[str, str]]:
    path = f"streaming.providers.{provider.name}"
    for number, name in enumerate(provider.subscriptions):
        yield from ((f"{path}.subscriptions.[{number}]", rule) for rule in _refused(venue.channel, name))
    for setting in ("stale_after", "policies"):
        for name in getattr(provider, setting):
            yield from ((f"{path}.{setting}.{name}", rule) for rule in _refused(venue.channel, name))
    where, texts = f"{path}.symbols", provider.symbols
    if texts is None:
        where, texts = "streaming.symbols", config.streaming.symbols
    for number, text in enumerate(texts):
        yield from ((f"{where}.[{number}]", f"{provider.name}: {rule}") for rule in _refused(venue.symbol, text))
    for rule in _refused(lambda: venue.session(key_of(config, provider, venue, environ), provider.codec)):
        yield path, rule


def _crowded(config: Config, environ: Mapping[str, str] | None) -> Iterator[tuple[str, str]]:
    """Providers for which their venue has no connection left: it counts them by address and key."""
    held: list[tuple[str, Secret, str]] = []
    for provider in _enabled(config):
        try:
            venue = load(provider.venue or provider.name)
            credential = key_of(config, provider, venue, environ)
        except TradewireError:
            # Told already.
            continue
        most = venue.limits.links_per_credential
        if most is None or credential is None:
            continue
        address = venue.stream_url("", provider.websocket_url)
        names = [name for where, key, name in held if (where, key) == (address, credential.api_key)]
        held.append((address, credential.api_key, provider.name))
        if len(names) >= most:
            yield (
                f"streaming.providers.{provider.name}",
                f"{venue.name} lets one key hold {most} connection(s) to {address}, and {', '.join(names[:most])} "
                "has the same address and key: give it another credential, or put its symbols and channels there",
            )


def _enabled(config: Config) -> list[ProviderConfig]:
    return [provider for provider in config.streaming.providers if provider.enabled]


def _refused(question: Callable[..., object], *words: object) -> Iterator[str]:
    """What is wrong, if anything is."""
    try:
        question(*words)
    except (TradewireError, ValueError) as error:
        yield str(error)
