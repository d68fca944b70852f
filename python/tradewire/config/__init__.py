"""Configuration: files, environment and secrets to one checked, immutable `Config`. Opens no sockets."""

from __future__ import annotations

from .difference import Change
from .loader import ConfigLoader
from .problem import Problem
from .schema import (
    AlertsConfig,
    ApiConfig,
    ApiSettings,
    BreakerConfig,
    Config,
    ConnectionPoolConfig,
    CredentialsConfig,
    ExchangeConfig,
    GlobalSettings,
    MonitoringConfig,
    ProviderConfig,
    RateLimitConfig,
    StreamingConfig,
    StreamingHealthConfig,
    ThresholdsConfig,
    TradingApiConfig,
)
from .secret import Secret

__all__ = [
    "AlertsConfig",
    "ApiConfig",
    "ApiSettings",
    "BreakerConfig",
    "Change",
    "Config",
    "ConfigLoader",
    "ConnectionPoolConfig",
    "CredentialsConfig",
    "ExchangeConfig",
    "GlobalSettings",
    "MonitoringConfig",
    "Problem",
    "ProviderConfig",
    "RateLimitConfig",
    "Secret",
    "StreamingConfig",
    "StreamingHealthConfig",
    "ThresholdsConfig",
    "TradingApiConfig",
]
