"""Venues by name. A venue is loaded when it is first asked for; third parties `register` theirs."""

from __future__ import annotations

import difflib
import importlib
import inspect
from collections import UserDict
from collections.abc import MutableMapping
from typing import cast

from tradewire.errors import UnsupportedError

from .adapter import AdapterVenue, DataProviderAdapter
from .base import MarketDataVenue

__all__ = ["ADAPTERS", "allowed_hosts", "house", "load", "names", "register", "register_adapter"]

#: name -> "module:attribute" of a `MarketDataVenue`.
_VENUES = {
    "alpaca": "tradewire.venues.alpaca.stream:IEX",
    "alpaca_crypto": "tradewire.venues.alpaca.stream:CRYPTO",
    "alpaca_sip": "tradewire.venues.alpaca.stream:SIP",
    "alpaca_test": "tradewire.venues.alpaca.stream:TEST",
    "binance": "tradewire.venues.binance.stream:USDM",
    "binance_spot": "tradewire.venues.binance.stream:SPOT",
}


class _Adapters(UserDict[str, type[DataProviderAdapter]]):
    """Refuses what `register_adapter` does, whichever way it is put in."""

    def __setitem__(self, name: str, adapter: type[DataProviderAdapter]) -> None:
        # Whatever a user may pass, in spite of the annotation.
        given: object = adapter
        if not (inspect.isclass(given) and issubclass(given, DataProviderAdapter)):
            raise TypeError(f"adapter must be a subclass of DataProviderAdapter, was {adapter!r}")
        _check_name(name)
        if name in _VENUES:
            raise ValueError(f"{name!r} is the name of a built-in venue; choose another one")
        super().__setitem__(name, adapter)


#: Custom providers by name: what `StreamingGateway.register_provider` fills.
ADAPTERS: MutableMapping[str, type[DataProviderAdapter]] = _Adapters()


def names() -> list[str]:
    """The known venues and custom providers, in alphabetical order."""
    return sorted({*_VENUES, *ADAPTERS})


def allowed_hosts(environment: str) -> dict[str, frozenset[str]]:
    """The hosts that a configuration may name, by built-in venue. Who registers a venue answers for its hosts.

    Args:
        environment: `live` leaves out testnets, whose prices are not those of the market.
    """
    found: dict[str, frozenset[str]] = {}
    for name, path in _VENUES.items():
        folder = path.partition(":")[0].rpartition(".")[0]
        if folder.startswith("tradewire.venues."):
            urls = importlib.import_module(f"{folder}.urls")
            if name in urls.HOSTS:
                found[name] = urls.HOSTS[name] | (frozenset() if environment == "live" else urls.TEST_HOSTS[name])
    return found


def house(venue: MarketDataVenue) -> str:
    """Whose accounts a venue's markets share: `alpaca` for `alpaca_crypto`. A venue or provider that somebody
    registered has those of its own name, whatever that begins with: nobody else's key is sent to it."""
    path = _VENUES.get(venue.name, "")
    ours = path.startswith("tradewire.venues.") and load(venue.name) is venue
    return path.split(".")[2] if ours else venue.name


def register(name: str, path: str) -> None:
    """Makes a venue known.

    Args:
        name: as in `StreamingGateway(venue=name)`.
        path: `"package.module:ATTRIBUTE"` of a `MarketDataVenue`.

    Raises:
        ValueError: the path is not written so, the name is none that a configuration could name, or it belongs to
            another venue or a custom provider.
    """
    _check_name(name)
    if path.count(":") != 1:
        raise ValueError(f"path must be 'package.module:ATTRIBUTE', was {path!r}")
    if _VENUES.get(name, path) != path:
        raise ValueError(f"venue {name!r} is already registered as {_VENUES[name]}")
    if name in ADAPTERS:
        raise ValueError(f"{name!r} is already registered as the custom provider {ADAPTERS[name].__name__}")
    _VENUES[name] = path


def register_adapter(name: str, adapter: type[DataProviderAdapter]) -> None:
    """Makes a custom provider known.

    Args:
        name: of the provider, in configurations too.
        adapter: made anew, without arguments, for each gateway.

    Raises:
        TypeError: no subclass of `DataProviderAdapter`.
        ValueError: not a name that a configuration could name, or that of a built-in venue.
    """
    ADAPTERS[name] = adapter


def _check_name(name: str) -> None:
    # Here and not above: a gateway without custom providers does not pay for the configuration.
    from tradewire.config.kinds import Mapped

    try:
        Mapped.name(name)
    except ValueError as error:
        raise ValueError(f"{error}, was {name!r}") from None


def load(name: str) -> MarketDataVenue:
    """The venue of that name.

    Raises:
        UnsupportedError: no such venue; the message lists the known ones.
    """
    adapter = ADAPTERS.get(name)
    if adapter is not None:
        made = adapter()
        made.name = name
        return AdapterVenue(made)
    path = _VENUES.get(name)
    if path is None:
        close = difflib.get_close_matches(name, names(), n=1, cutoff=0.7)
        hint = f"; did you mean {close[0]!r}?" if close else ""
        raise UnsupportedError(f"venue must be one of {', '.join(names())}, was {name!r}{hint}")
    module, attribute = path.split(":")
    return cast(MarketDataVenue, getattr(importlib.import_module(module), attribute))
