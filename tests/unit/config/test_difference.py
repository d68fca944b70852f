"""Which settings differ."""

from __future__ import annotations

import dataclasses

import pytest

from tradewire.config import Config, ConnectionPoolConfig, ProviderConfig, StreamingConfig, TradingApiConfig
from tradewire.config.difference import Change, difference


def streaming(*providers: ProviderConfig, **more: object) -> Config:
    return Config(streaming=StreamingConfig(providers=providers, **more))  # type: ignore[arg-type]


def api(provider: str) -> Config:
    return Config(apis={"a": TradingApiConfig(provider=provider)})


def pool(count: int) -> Config:
    return Config(connection_pool=ConnectionPoolConfig(max_connections=count))


A, B = ProviderConfig(name="a"), ProviderConfig(name="b")
STALE = ProviderConfig(name="a", stale_after={"trades": 5})


@pytest.mark.parametrize(
    ("old", "new", "paths"),
    [
        (Config(), Config(), set()),
        (Config(), pool(9), {"connection_pool.max_connections"}),
        (streaming(A), streaming(A, B), {"streaming.providers.b"}),
        (streaming(A, B), streaming(B), {"streaming.providers.a"}),
        (streaming(A, B), streaming(B, A), {"streaming.providers"}),
        (streaming(A), streaming(dataclasses.replace(A, enabled=False)), {"streaming.providers.a.enabled"}),
        (streaming(A), streaming(STALE), {"streaming.providers.a.stale_after.trades"}),
        (streaming(symbols=("X",)), streaming(symbols=("X", "Y")), {"streaming.symbols"}),
        (streaming(), streaming(symbols=("X",)), {"streaming.symbols"}),
        (Config(), api("p"), {"apis.a"}),
        (api("p"), api("q"), {"apis.a.provider"}),
    ],
)  # fmt: skip
def test_difference(old: Config, new: Config, paths: set[str]) -> None:
    assert difference(old, new) == paths


def test_a_secret_differs_by_its_text() -> None:
    one = Config(apis={"a": TradingApiConfig(provider="p", credentials=_key("1"))})
    same = Config(apis={"a": TradingApiConfig(provider="p", credentials=_key("1"))})
    other = Config(apis={"a": TradingApiConfig(provider="p", credentials=_key("2"))})
    assert difference(one, same) == set()
    assert difference(one, other) == {"apis.a.credentials.api_key"}


def _key(text: str) -> object:
    from tradewire.config import CredentialsConfig

    return CredentialsConfig(api_key=text)  # type: ignore[arg-type]


def test_what_a_change_touches() -> None:
    change = Change(Config(), Config(), frozenset({"streaming.providers.a.enabled"}))
    assert change.touches("streaming")
    assert change.touches("streaming.providers.a.enabled")
    assert not change.touches("stream")
    assert not change.touches("streaming.providers.a.enabled.x")
