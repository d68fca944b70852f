"""The configuration as a user's type checker sees it; checked by mypy --strict, never run."""

from __future__ import annotations

from typing import Any, assert_type

from tradewire import ConfigLoader, Secret
from tradewire.config import Change, Config, ProviderConfig


async def load() -> None:
    loader = ConfigLoader("config/trading_apis.yaml", enable_hot_reload=True)
    config = await loader.load_config()
    assert_type(config, Config)
    assert_type(loader.load(), Config)
    assert_type(config.connection_pool.max_connections, int)
    assert_type(config.streaming.providers, tuple[ProviderConfig, ...])
    assert_type(config.apis["alpaca"].dict(), dict[str, Any])
    assert_type(config.apis["alpaca"].credentials.api_key, Secret | None)
    assert_type(loader.encrypt_value("x"), str)
    assert_type(await loader.reload(), Change | None)
    loader.subscribe(lambda change: change.paths)
