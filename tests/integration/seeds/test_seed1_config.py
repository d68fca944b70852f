"""The configuration snippets of the first requirements document: only imports and paths are changed."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import pytest

from tradewire import Secret
from tradewire.config import ConfigLoader as Loader

ROOT = Path(__file__).resolve().parents[3]
EXAMPLE = """
# trading_apis.yaml
global_settings:
  timezone: "America/New_York"
  enable_paper_trading: false
  default_timeout_ms: 5000

connection_pool:
  min_connections: 3
  max_connections: 10
  health_check_interval: 30

apis:
  alpaca:
    provider: "alpaca"
    enabled: true
    credentials:
      api_key: "${ALPACA_API_KEY}"
      secret_key: "${ALPACA_SECRET_KEY}"
    settings:
      use_paper_trading: false
"""


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with `config/trading_apis.yaml`, and the environment of the documents."""
    (tmp_path / "config").mkdir()
    (tmp_path / "config" / "trading_apis.yaml").write_text(EXAMPLE)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("ALPACA_API_KEY", "your_key_here")
    monkeypatch.setenv("ALPACA_SECRET_KEY", "your_secret_here")
    monkeypatch.setenv("TRADING_CONNECTION_MIN_CONNECTIONS", "3")
    monkeypatch.setenv("TRADING_CONNECTION_MAX_CONNECTIONS", "12")
    return tmp_path


async def test_configuration_loader(project: Path) -> None:
    from tradewire import ConfigLoader

    loader = ConfigLoader(config_path="config/trading_apis.yaml", enable_hot_reload=True)

    config = await loader.load_config()

    await loader.stop()
    assert config.global_settings.timezone == "America/New_York"
    assert config.global_settings.default_timeout_ms == 5000
    assert config.connection_pool.min_connections == 3
    assert config.connection_pool.max_connections == 12
    assert config.environment == "paper"


async def test_basic_usage(project: Path) -> None:
    from tradewire import ConfigLoader

    config_loader = ConfigLoader("config/trading_apis.yaml")
    config = await config_loader.load_config()

    given: dict[str, Any] = config.apis["alpaca"].dict()
    assert given["provider"] == "alpaca"
    assert given["enabled"] is True
    assert given["credentials"]["api_key"] == Secret("your_key_here")
    assert given["credentials"]["secret_key"].reveal() == "your_secret_here"
    assert "your_" not in str(given)


async def test_hot_reload(project: Path, eventually: Any) -> None:
    from tradewire import ConfigLoader

    loader = ConfigLoader(config_path="config/trading_apis.yaml", enable_hot_reload=True)
    before = await loader.load_config()
    path = project / "config" / "trading_apis.yaml"
    path.write_text(EXAMPLE.replace("5000", "4000"))
    await eventually(lambda: loader.config.global_settings.default_timeout_ms == 4000)
    await loader.stop()
    assert before.global_settings.default_timeout_ms == 5000


def test_encrypted_secrets(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    from tradewire import ConfigLoader

    loader = ConfigLoader()
    encrypted = loader.encrypt_value("my_secret_key")
    print(f"Encrypted: {encrypted}")  # noqa: T201 - the snippet does

    shown = capsys.readouterr().out
    assert shown.startswith("Encrypted: ENC[")
    assert "my_secret_key" not in shown
    path = project / "config" / "trading_apis.yaml"
    path.write_text(EXAMPLE.replace("${ALPACA_SECRET_KEY}", encrypted))
    assert Loader(path).load().apis["alpaca"].credentials.secret_key == Secret("my_secret_key")


def test_the_exchange_section_of_the_third_document(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = project / "config" / "trading.yaml"
    path.write_text("""
exchanges:
  binance:
    name: BINANCE
    api_key: ${BINANCE_API_KEY}
    api_secret: ${BINANCE_API_SECRET}
    testnet: true
    paper_trading: true
    rate_limit_requests: 1200
    rate_limit_window: 60
    timeout: 30
    retry_attempts: 3
""")
    monkeypatch.setenv("BINANCE_API_KEY", "k")
    monkeypatch.setenv("BINANCE_API_SECRET", "s")
    exchange = Loader(path).load().exchanges["binance"]
    assert exchange.dict() == {
        "name": "BINANCE",
        "api_key": Secret("k"),
        "api_secret": Secret("s"),
        "testnet": True,
        "paper_trading": True,
        "rate_limit_requests": 1200,
        "rate_limit_window": 60.0,
        "timeout": 30.0,
        "retry_attempts": 3,
    }


def test_the_env_file_of_the_fourth_document(project: Path) -> None:
    (project / ".env").write_text("""
# Application
DEBUG=true
LOG_LEVEL=INFO

# Server
HOST=0.0.0.0
PORT=8000

# TWS Connection
TWS_HOST=127.0.0.1
TWS_PORT=7497  # Paper trading port
TWS_CLIENT_ID=1

# Redis (optional)
REDIS_URL=redis://localhost:6379

# Performance
MAX_LATENCY_MS=10
BATCH_UPDATE_INTERVAL_MS=50
""")
    assert Loader("config/trading_apis.yaml").load()


@pytest.mark.parametrize("name", ["trading_apis.yaml.example", "streaming.yaml"])
def test_the_files_that_come_with_it(project: Path, name: str, caplog: pytest.LogCaptureFixture) -> None:
    shutil.copy(ROOT / "config" / name, project / "config" / "copy.yaml")
    (project / "config" / "copy.yaml").chmod(0o644)
    assert Loader("config/copy.yaml").load().environment == "paper"
    assert not caplog.records
