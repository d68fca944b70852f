"""Rules over a whole configuration: addresses, environment, named credentials. Reads and converts nothing."""

from __future__ import annotations

import ipaddress
import socket
from collections.abc import Callable, Iterator, Mapping
from typing import Any
from urllib.parse import urlsplit

from .problem import nearest
from .schema import (
    ExchangeConfig,
    GlobalSettings,
    ProviderConfig,
    TradingApiConfig,
    is_loopback,
)
from .settings import Section, answered

__all__ = ["check_whole", "clear_text_rule", "variables_of"]

_Rules = Callable[[str, Any, str], Iterator[tuple[str, str]]]


def variables_of(name: str) -> tuple[str, str]:
    """The variables that hold a credential: `ALPACA_API_KEY` and `ALPACA_SECRET_KEY` of `alpaca`."""
    stem = name.upper().replace("-", "_")
    return f"{stem}_API_KEY", f"{stem}_SECRET_KEY"


def clear_text_rule(url: str) -> str | None:
    """What is wrong with an address to which keys and orders would go in clear text; None: nothing."""
    parts = urlsplit(url)
    if parts.scheme not in ("ws", "http") or is_loopback(parts.hostname or ""):
        return None
    return f"must begin with {parts.scheme}s:// (unencrypted only on loopback)"


def check_whole(
    sections: Mapping[str, Section],
    environment: str | None,
    *,
    unsafe_hosts: bool,
    allowed_hosts: Mapping[str, frozenset[str]] | None,
    credentials: frozenset[str],
    is_set: Callable[[str], bool],
) -> Iterator[tuple[str, str]]:
    """(path, what is wrong and what to do) of everything that does not fit together.

    Args:
        sections: those that were written and `global_settings`, by path; they may lack settings that could not be
            read.
        environment: `sim`, `paper`, `testnet` or `live`; None: it could not be read, and rules about it are left out.
        unsafe_hosts: whether any host may be named, over TLS.
        allowed_hosts: venue -> its hosts; None, or not in it: only the rules about loopback and TLS.
        credentials: names of the section `credentials`.
        is_set: whether an environment variable is.
    """
    if unsafe_hosts and environment == "live":
        yield "unsafe_hosts", "must be false in live: name only the venue's own hosts"
    for path, found in sections.items():
        if isinstance(found, ProviderConfig):
            if environment is not None:
                for name in ("websocket_url", "rest_url"):
                    yield from answered(
                        _address_rules, f"{path}.{name}", found, name, environment, unsafe_hosts, allowed_hosts
                    )
            yield from answered(_credential_rules, f"{path}.credential", found, credentials, is_set)
        elif environment is not None:
            for rules in _ENVIRONMENT_RULES.get(type(found), ()):
                yield from answered(rules, path, found, environment)


def _credential_rules(
    path: str, provider: ProviderConfig, credentials: frozenset[str], is_set: Callable[[str], bool]
) -> Iterator[tuple[str, str]]:
    named = provider.credential
    if named is not None and named not in credentials and not is_set(variables_of(named)[0]):
        hint = f"{nearest(named, credentials)} " if credentials else ""
        yield path, f"is not known: {hint}write it under credentials, or set {variables_of(named)[0]}"


def _address_rules(
    path: str,
    provider: ProviderConfig,
    name: str,
    environment: str,
    unsafe_hosts: bool,
    allowed_hosts: Mapping[str, frozenset[str]] | None,
) -> Iterator[tuple[str, str]]:
    url = getattr(provider, name)
    if url is not None:
        for rule in _host_rules(url, provider, environment, unsafe_hosts, allowed_hosts):
            yield path, rule


def _host_rules(
    url: str,
    provider: ProviderConfig,
    environment: str,
    unsafe_hosts: bool,
    allowed_hosts: Mapping[str, frozenset[str]] | None,
) -> Iterator[str]:
    host = urlsplit(url).hostname or ""
    if environment == "live" and _is_this_machine(host):
        yield f"{host} is this machine, which live refuses: leave the address out, or set environment: paper"
        return
    if is_loopback(host):
        return
    # Whoever may name any host still does not show keys to everybody on the way to it.
    clear_text = clear_text_rule(url)
    if clear_text is not None:
        yield clear_text
    if unsafe_hosts and environment != "live":
        return
    venue = provider.venue or provider.name
    own = None if allowed_hosts is None else allowed_hosts.get(venue)
    # Of a venue that somebody registered, nobody here knows the hosts.
    if own is not None and host not in own:
        known = f"must be a host of {venue} ({', '.join(sorted(own))})"
        yield f"{known}, not {host}; unsafe_hosts: true allows any host but in live"


def _is_this_machine(host: str) -> bool:
    """Also in other spellings that the system takes: `127.1`, `0.0.0.0`, `::ffff:127.0.0.1`, `x.localhost`."""
    name = host.rstrip(".")
    if name == "localhost" or name.endswith(".localhost"):
        return True
    try:
        address = ipaddress.ip_address(host)
    except ValueError:
        try:
            address = ipaddress.ip_address(socket.inet_aton(host))
        except (OSError, UnicodeError):
            return False
    mapped = getattr(address, "ipv4_mapped", None)
    return any(each is not None and (each.is_loopback or each.is_unspecified) for each in (address, mapped))


def _must_be_false(name: str) -> _Rules:
    def rules(path: str, found: Any, environment: str) -> Iterator[tuple[str, str]]:
        if environment == "live" and getattr(found, name):
            yield f"{path}.{name}", "must be false in live"

    return rules


def _must_be_testnet(path: str, found: Any, environment: str) -> Iterator[tuple[str, str]]:
    if environment in ("sim", "testnet") and not found.testnet:
        yield f"{path}.testnet", f"must be true in {environment}"


def _key_fits(path: str, found: Any, environment: str) -> Iterator[tuple[str, str]]:
    key = found.credentials.environment
    if key not in (None, environment):
        rule = f"the key is for {key}, the configuration for {environment}: use a key of {environment}"
        yield f"{path}.credentials.environment", rule


def _no_paper_api(path: str, found: Any, environment: str) -> Iterator[tuple[str, str]]:
    # Also where `settings` is left out: the default is the safe one, which live must contradict in so many words.
    if environment == "live" and found.enabled and found.settings.use_paper_trading:
        yield f"{path}.settings.use_paper_trading", "must be false in live"


def _no_real_api(path: str, found: Any, environment: str) -> Iterator[tuple[str, str]]:
    if environment == "sim" and found.enabled and not found.settings.use_paper_trading:
        yield f"{path}.settings.use_paper_trading", "must be true in sim, which places no real orders"


#: Of each sort of section, by (path, section, environment).
_ENVIRONMENT_RULES: Mapping[type[Section], tuple[_Rules, ...]] = {
    GlobalSettings: (_must_be_false("enable_paper_trading"),),
    ExchangeConfig: (_must_be_false("testnet"), _must_be_false("paper_trading"), _must_be_testnet),
    TradingApiConfig: (_key_fits, _no_paper_api, _no_real_api),
}
