"""`ConfigLoader`: sources and their precedence, secrets, reloads."""

from __future__ import annotations

import asyncio
import logging
import os
from pathlib import Path
from typing import Any

import pytest

from tradewire import ConfigLoader, Secret
from tradewire.config import Change, Config
from tradewire.config.keys import KEY_VARIABLE, new_key
from tradewire.errors import ConfigError, RejectedError, StateError

#: What live asks for in so many words.
LIVE = "environment: live\nglobal_settings: {enable_paper_trading: false}\n"
API = """
apis:
  alpaca:
    provider: alpaca
    credentials: {api_key: "${KEY}", secret_key: "${SECRET}"}
"""


# sources


def test_without_a_file_the_defaults_hold() -> None:
    assert ConfigLoader(env={}, env_file=None).load() == Config()


def test_the_precedence_of_the_sources(place: Any) -> None:
    env_file = place.write("TRADING_CONNECTION_MAX_CONNECTIONS=30\nTRADING_CONNECTION_IDLE_TIMEOUT=31\n", ".env")
    text = "connection_pool: {min_connections: 1, max_connections: 20, idle_timeout: 21, connection_timeout: 22}"
    config = place.load(
        text,
        env_file=env_file,
        env={"TRADING_CONNECTION_MAX_CONNECTIONS": "40", "TRADING_CONNECTION_CONNECTION_TIMEOUT": "41"},
        overrides={"connection_pool.connection_timeout": 50, "global_settings": {"timezone": "Europe/Berlin"}},
    )
    pool = config.connection_pool
    assert (pool.min_connections, pool.max_connections, pool.idle_timeout, pool.connection_timeout) == (1, 40, 31, 50)
    assert pool.health_check_interval == 30.0
    assert config.global_settings.timezone == "Europe/Berlin"


def test_json(place: Any) -> None:
    path = place.write('{\n\t"connection_pool": {"max_connections": 7}\n}', "c.json")
    assert ConfigLoader(path, env={}, env_file=None).load().connection_pool.max_connections == 7


def test_variables_make_entries_and_lists(place: Any) -> None:
    config = place.load(
        "apis: {alpaca: {provider: alpaca}}",
        env={
            "TRADING_APIS_ALPACA_ENABLED": "false",
            "TRADING_APIS_IB_PROVIDER": "ib",
            "TRADING_STREAMING_SYMBOLS": "AAPL, MSFT",
            "TRADING_ENVIRONMENT": "testnet",
        },
    )
    assert not config.apis["alpaca"].enabled
    assert config.apis["ib"].provider == "ib"
    assert config.streaming.symbols == ("AAPL", "MSFT")
    assert config.environment == "testnet"


def test_a_wrong_variable_is_named_and_not_shown(place: Any) -> None:
    (problem,) = place.problems("environment: paper", env={"TRADING_CONNECTION_MAX_CONNECTIONS": "canary"})
    assert (problem.file, problem.line, problem.path) == (
        "$TRADING_CONNECTION_MAX_CONNECTIONS", None, "connection_pool.max_connections",
    )  # fmt: skip
    assert "canary" not in str(problem)


def test_a_variable_that_names_nothing_is_left_alone_with_a_hint(place: Any, caplog: pytest.LogCaptureFixture) -> None:
    loader = place.loader(
        "environment: paper", env={"TRADING_CONNECTION_MAX_CONNECTION": "canary", "TRADINGX": "1", "TRADING_FOO": "1"}
    )
    loader.load()
    loader.read()
    assert [record.getMessage() for record in caplog.records] == [
        "TRADING_CONNECTION_MAX_CONNECTION names no setting and is left alone: "
        "did you mean TRADING_CONNECTION_POOL_MAX_CONNECTIONS?",
        "TRADING_FOO names no setting and is left alone: see docs/reference/configuration.md",
    ]


def test_a_variable_of_an_entry_that_is_not_there_gets_the_name_of_one_that_is(
    place: Any, caplog: pytest.LogCaptureFixture
) -> None:
    names = {"TRADING_STREAMING_PROVIDERS_ALPACCA_ENABLED": "1", "TRADING_STREAMING_PROVIDERS_BINANCE_SPOTT_CODEC": "x"}
    place.loader("streaming: {providers: [{name: alpaca}, {name: binance-spot}]}", env=names).load()
    assert [record.getMessage().rpartition(": ")[2] for record in caplog.records] == [
        "did you mean TRADING_STREAMING_PROVIDERS_ALPACA_ENABLED?",
        "did you mean TRADING_STREAMING_PROVIDERS_BINANCE_SPOT_CODEC?",
    ]


def test_problems_of_all_sources_at_once(place: Any) -> None:
    env_file = place.write("nonsense\n", ".env")
    found = place.problems(
        "connection_pool:\n  max_connections: x\nconnection_pol: 1\n",
        env_file=env_file,
        env={"TRADING_STREAMING_LOOP": "fast"},
        overrides={"apis.a.enabled": "perhaps", "nothing.here": 2},
    )
    assert {(Path(each.file).name, each.line, each.path) for each in found} == {
        ("trading.yaml", 2, "connection_pool.max_connections"),
        ("trading.yaml", 3, "connection_pol"),
        (".env", 1, ""),
        ("$TRADING_STREAMING_LOOP", None, "streaming.loop"),
        ("argument", None, "apis.a.provider"),
        ("argument", None, "apis.a.enabled"),
        ("argument", None, "nothing"),
    }


def test_the_error_lists_them_one_a_line(place: Any) -> None:
    with pytest.raises(ConfigError) as caught:
        place.load("a: 1\nb: 2\n")
    lines = str(caught.value).splitlines()
    assert lines[0] == "2 problems in the configuration:"
    assert [line.split(": ", 1)[0] for line in lines[1:]] == [f"{place.path}:1", f"{place.path}:2"]
    assert isinstance(caught.value, RejectedError)
    assert isinstance(caught.value, ValueError)


def test_a_missing_file(place: Any) -> None:
    with pytest.raises(ConfigError, match=r"trading\.yaml: cannot be read: No such file"):
        place.loader().load()


def test_live_refuses_what_paper_allows(place: Any) -> None:
    text = "streaming: {providers: [{name: a, websocket_url: 'ws://127.0.0.1:1'}]}\n"
    assert place.load("environment: paper\n" + text).streaming.providers
    (problem,) = place.problems(LIVE + text)
    assert (problem.line, problem.path) == (3, "streaming.providers.a.websocket_url")


@pytest.mark.parametrize("general", ["", "global_settings:\n", "global_settings: {timezone: UTC}\n"])
def test_live_is_not_entered_by_leaving_something_out(place: Any, general: str) -> None:
    (problem,) = place.problems(general + "environment: live\n")
    assert (problem.line, problem.path) == (1, "global_settings.enable_paper_trading")
    assert problem.rule == "must be false in live"
    assert place.load(LIVE).environment == "live"


def test_hosts_of_venues_come_from_whoever_knows_them(place: Any) -> None:
    text = "streaming: {providers: [{name: a, venue: v, websocket_url: 'wss://h.example/x'}]}\n"
    assert place.load(text, allowed_hosts=lambda _: {"v": frozenset({"h.example"})}).streaming.providers
    (problem,) = place.problems(text, allowed_hosts=lambda _: {"v": frozenset({"other.example"})})
    assert "must be a host of v (other.example), not h.example" in problem.rule
    asked: list[str] = []
    place.load(LIVE + text, allowed_hosts=lambda environment: asked.append(environment) or {})
    assert asked == ["live"]
    assert place.load("unsafe_hosts: true\n" + text, allowed_hosts=lambda _: {"v": frozenset()}).unsafe_hosts


# secrets


def test_secrets_of_an_api_are_secret(place: Any) -> None:
    found = place.load(API, env={"KEY": "k-canary", "SECRET": "s-canary"}).apis["alpaca"].dict()
    assert found["credentials"]["api_key"].reveal() == "k-canary"
    assert isinstance(found["credentials"]["secret_key"], Secret)
    assert "canary" not in str(found)


def test_the_loader_keeps_what_the_command_removes(place: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    place.write(API)
    monkeypatch.setenv("KEY", "k")
    monkeypatch.setenv("SECRET", "s")
    loader = ConfigLoader(place.path, env_file=None)
    loader.load()
    assert loader.reading.secret_variables == {"KEY", "SECRET"}
    for name in loader.reading.secret_variables:
        monkeypatch.delenv(name)
    again = loader.read().config
    assert again.apis["alpaca"].credentials.secret_key == Secret("s")


def test_the_key_itself_is_a_secret_of_the_environment(place: Any) -> None:
    loader = place.loader("environment: paper", env={KEY_VARIABLE: new_key().secret.reveal()})
    loader.load()
    assert loader.reading.secret_variables == {KEY_VARIABLE}


def test_providers_take_credentials_from_variables_named_after_them(place: Any) -> None:
    text = """
    streaming:
      providers:
      - {name: alpaca, auth_method: api_key}
      - {name: second, auth_method: api_key, credential: other}
      - {name: open}
      - {name: own, auth_method: hmac, credentials: {api_key: "${A}"}}
    """
    variables = {"ALPACA_API_KEY": "1", "ALPACA_SECRET_KEY": "2", "OTHER_API_KEY": "3", "OPEN_API_KEY": "4", "A": "5"}
    loader = place.loader(text, env=variables)
    providers = {provider.name: provider.credentials for provider in loader.load().streaming.providers}
    shown = {
        name: each and (each.api_key.reveal(), each.secret_key and each.secret_key.reveal())
        for name, each in providers.items()
    }
    assert shown == {"alpaca": ("1", "2"), "second": ("3", None), "open": None, "own": ("5", None)}
    assert loader.reading.secret_variables == {"ALPACA_API_KEY", "ALPACA_SECRET_KEY", "OTHER_API_KEY", "A"}


@pytest.mark.parametrize("mode", [0o644, 0o640, 0o604])
def test_literal_credentials_must_not_be_readable_by_others(place: Any, mode: int) -> None:
    place.write("exchanges: {b: {name: B, api_key: canary}}", mode=mode)
    with pytest.raises(ConfigError) as caught:
        place.loader().load()
    assert "holds credentials (exchanges.b.api_key) and can be read or written by others" in str(caught.value)
    assert "chmod 600" in str(caught.value)
    assert "canary" not in str(caught.value)
    place.path.chmod(0o600)
    assert place.loader().load().exchanges["b"].api_key == Secret("canary")


def test_files_without_credentials_may_be_read_by_all(place: Any) -> None:
    place.write("exchanges: {b: {name: B, api_key: '${KEY}'}}", mode=0o644)
    assert place.loader(env={"KEY": "k"}).load()
    place.write("DEBUG=true\nTWS_PORT=7497\n", ".env", mode=0o644)
    assert place.loader(env={"KEY": "k"}, env_file=place.path.with_name(".env")).load()


@pytest.mark.parametrize(
    ("text", "refused"), [("${KEY:-canary}", True), ("x${KEY:-canary}", True), ("${KEY:-}", False), ("${KEY}", False)]
)
def test_a_default_of_a_credential_is_a_literal_one(place: Any, text: str, refused: bool) -> None:
    place.write(f"exchanges: {{b: {{name: '${{KEY:-N}}', api_key: '{text}'}}}}", mode=0o644)
    loader = place.loader(env={"KEY": "k"})
    if refused:
        with pytest.raises(ConfigError, match=r"holds credentials \(exchanges\.b\.api_key\) and can be read") as caught:
            loader.load()
        assert "canary" not in str(caught.value)
        place.path.chmod(0o600)
    assert loader.load().exchanges["b"].api_key


def test_an_env_file_with_credentials_must_not_be_readable_by_others(place: Any) -> None:
    env_file = place.write("BINANCE_API_KEY=canary\n", ".env", mode=0o644)
    (problem,) = place.problems("environment: paper", env_file=env_file)
    assert problem.file == str(env_file)
    assert "holds credentials and can be read" in problem.rule
    env_file.chmod(0o600)
    assert place.load("environment: paper", env_file=env_file)


def test_encrypted_values(place: Any) -> None:
    path = "exchanges.b.api_secret"
    token = place.loader("environment: paper").encrypt_value("s", path)
    assert place.load(f"exchanges: {{b: {{name: B, api_secret: '{token}'}}}}").exchanges["b"].api_secret == Secret("s")
    (problem,) = place.problems(f"exchanges: {{c: {{name: B, api_secret: '{token}'}}}}")
    assert problem.path == "exchanges.c.api_secret"
    assert "for another setting" in problem.rule


def test_encrypting_as_the_documents_do(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path))
    monkeypatch.chdir(tmp_path)
    loader = ConfigLoader()
    assert loader.encrypt_value("my_secret_key").startswith("ENC[")


def test_an_unbound_value_says_so_and_live_refuses_it(place: Any, caplog: pytest.LogCaptureFixture) -> None:
    loader = place.loader("environment: paper")
    token = loader.encrypt_value("canary")
    assert "bound to no setting" in caplog.text
    assert "canary" not in caplog.text
    entry = f"exchanges: {{b: {{name: B, testnet: false, paper_trading: false, api_secret: '{token}'}}}}"
    assert place.load(f"environment: paper\n{entry}").exchanges["b"].api_secret == Secret("canary")
    (problem,) = place.problems(LIVE + entry)
    assert (problem.line, problem.path) == (3, "exchanges.b.api_secret")
    assert "bound to no setting, which live refuses" in problem.rule


def test_live_makes_no_unbound_values(place: Any) -> None:
    loader = place.loader(LIVE)
    loader.load()
    with pytest.raises(ConfigError, match="must be given in live"):
        loader.encrypt_value("x")
    with pytest.raises(ConfigError, match="must be given in live"):
        place.loader(env={"TRADING_ENVIRONMENT": "live"}).encrypt_value("x")
    # Also when nothing was loaded yet: the file is asked.
    with pytest.raises(ConfigError, match="must be given in live"):
        place.loader().encrypt_value("x")
    assert loader.encrypt_value("x", "apis.a.credentials.api_key").startswith("ENC[")


def test_values_are_bound_to_settings_that_there_are(place: Any) -> None:
    with pytest.raises(ConfigError, match=r"argument: apis\.a\.credentials\.key: is unknown: did you mean 'api_key'"):
        place.loader("environment: paper").encrypt_value("canary", "apis.a.credentials.key")


def test_an_encrypted_value_without_any_key(place: Any) -> None:
    token = place.loader("environment: paper").encrypt_value("s", "exchanges.b.api_secret")
    place.env["XDG_CONFIG_HOME"] = str(place.folder / "other")
    (problem,) = place.problems(f"exchanges: {{b: {{name: B, api_secret: '{token}'}}}}")
    assert problem.rule == (
        "is encrypted and there is no key: set $TRADEWIRE_CONFIG_KEY, name a key file in $TRADEWIRE_CONFIG_KEY_FILE, "
        f"or put the key into {place.folder / 'other' / 'tradewire' / 'config.key'}"
    )
    assert not (place.folder / "other").exists(), "reading makes no key"


def test_the_key_must_not_lie_beside_the_configuration(place: Any) -> None:
    key = place.path.with_name("own.key")
    with pytest.raises(ConfigError, match="must not lie beside the values"):
        place.loader("environment: paper", key=key).encrypt_value("s", "exchanges.b.api_key")
    assert not key.exists()


def test_a_key_that_others_can_read_is_a_problem(place: Any) -> None:
    token = place.loader("environment: paper").encrypt_value("s", "exchanges.b.api_secret")
    key = place.folder / "home" / "tradewire" / "config.key"
    key.chmod(0o644)
    (problem,) = place.problems(f"exchanges: {{b: {{name: B, api_secret: '{token}'}}}}")
    assert f"{key}: can be read or written by others (mode 0644): chmod 600" in problem.rule
    with pytest.raises(ConfigError, match="chmod 600"):
        place.loader().encrypt_value("s", "exchanges.b.api_key")


# reloads


def test_nothing_is_there_before_loading(place: Any) -> None:
    with pytest.raises(StateError, match="call load"):
        _ = place.loader("environment: paper").config


async def test_a_reload_swaps_and_tells(place: Any) -> None:
    loader = place.loader("connection_pool: {max_connections: 5}")
    old = await loader.load_config()
    told: list[Change] = []

    async def later(change: Change) -> None:
        await asyncio.sleep(0)
        told.append(change)

    loader.subscribe(told.append)
    end = loader.subscribe(later)
    assert await loader.reload() is None
    assert told == []
    place.write("connection_pool: {max_connections: 6}")
    change = await loader.reload()
    assert change is not None
    assert change.paths == {"connection_pool.max_connections"}
    assert (change.old, change.new) == (old, loader.config)
    assert told == [change, change]
    assert old.connection_pool.max_connections == 5, "the old one is immutable"
    end()
    end()
    place.write("connection_pool: {max_connections: 7}")
    await loader.reload()
    assert len(told) == 3


async def test_a_wrong_file_changes_nothing(place: Any) -> None:
    loader = place.loader("connection_pool: {max_connections: 5}")
    old = await loader.load_config()
    told: list[Change] = []
    refused: list[ConfigError] = []
    loader.subscribe(told.append)
    end = loader.subscribe_to_refusals(refused.append)
    for text in ("connection_pool: {max_connections: x}", "", "connection_pool: {max_conn", "[1]"):
        place.write(text)
        with pytest.raises(ConfigError) as caught:
            await loader.reload()
        assert loader.config is old
        assert refused.pop() is caught.value
        assert not refused
    end()
    end()
    place.path.unlink()
    with pytest.raises(ConfigError, match="cannot be read"):
        await loader.reload()
    assert loader.config is old
    assert told == refused == []


@pytest.mark.parametrize(("old", "new"), [("paper", "live"), ("live", "paper"), ("testnet", "live")])
async def test_the_environment_never_changes_by_a_reload(place: Any, old: str, new: str) -> None:
    real = "global_settings: {enable_paper_trading: false}"
    loader = place.loader(f"environment: {old}\n{real}\n")
    await loader.load_config()
    place.write(f"connection_pool: {{max_connections: 5}}\nenvironment: {new}\n{real}\n")
    with pytest.raises(ConfigError, match=rf":2: environment: stays {old} until .* was '{new}'"):
        await loader.reload()
    assert loader.config.connection_pool.max_connections == 10


async def test_a_subscriber_that_fails_hurts_nobody(place: Any, caplog: pytest.LogCaptureFixture) -> None:
    loader = place.loader("connection_pool: {max_connections: 5}")
    await loader.load_config()
    told: list[Change] = []

    def fail(change: Change) -> None:
        raise RuntimeError("mine")

    loader.subscribe(fail)
    loader.subscribe(told.append)
    place.write("connection_pool: {max_connections: 6}")
    with caplog.at_level(logging.ERROR):
        await loader.reload()
    assert len(told) == 1
    assert "a subscriber of the configuration failed" in caplog.text


async def test_a_subscriber_that_reloads_is_told_of_it_after_the_others(place: Any) -> None:
    loader = place.loader("connection_pool: {max_connections: 5}")
    await loader.load_config()
    told: list[tuple[str, int]] = []

    async def reload(change: Change) -> None:
        told.append(("first", change.new.connection_pool.max_connections))
        if change.new.connection_pool.max_connections == 6:
            place.write("connection_pool: {max_connections: 7}")
            inner = await loader.reload()
            assert inner is not None
            assert inner.old is change.new

    loader.subscribe(reload)
    loader.subscribe(lambda change: told.append(("second", change.new.connection_pool.max_connections)))
    place.write("connection_pool: {max_connections: 6}")
    change = await asyncio.wait_for(loader.reload(), 60)
    assert change is not None
    assert change.new.connection_pool.max_connections == 6
    assert loader.config.connection_pool.max_connections == 7
    assert told == [("first", 6), ("second", 6), ("first", 7), ("second", 7)]


async def test_changes_are_told_in_order_and_those_of_one_that_was_cancelled_too(place: Any, eventually: Any) -> None:
    loader = place.loader("connection_pool: {max_connections: 5}")
    await loader.load_config()
    told: list[int] = []
    held = asyncio.Event()

    async def hold(change: Change) -> None:
        told.append(change.new.connection_pool.max_connections)
        await held.wait()

    loader.subscribe(hold)
    place.write("connection_pool: {max_connections: 6}")
    first = asyncio.create_task(loader.reload())
    await eventually(lambda: told == [6])
    place.write("connection_pool: {max_connections: 7}")
    assert await loader.reload() is not None
    assert told == [6], "its turn comes after"
    first.cancel()
    await asyncio.wait([first])
    held.set()
    place.write("connection_pool: {max_connections: 8}")
    await loader.reload()
    assert told == [6, 6, 7, 8], "again of what it was interrupted in"


async def test_a_subscriber_that_is_cancelled_by_others_ends_no_reload(
    place: Any, caplog: pytest.LogCaptureFixture
) -> None:
    loader = place.loader("connection_pool: {max_connections: 5}")
    await loader.load_config()
    told: list[int] = []

    async def give_up(change: Change) -> None:
        raise asyncio.CancelledError

    loader.subscribe(give_up)
    loader.subscribe(lambda change: told.append(change.new.connection_pool.max_connections))
    for number in (6, 7):
        place.write(f"connection_pool: {{max_connections: {number}}}")
        assert await loader.reload() is not None
    assert told == [6, 7]
    assert caplog.text.count("a subscriber of the configuration failed") == 2


async def test_those_that_a_cancelled_reload_left_untold_are_told_by_the_next(place: Any, eventually: Any) -> None:
    loader = place.loader("connection_pool: {max_connections: 5}")
    await loader.load_config()
    begun: list[int] = []
    told: list[int] = []
    ended: list[int] = []

    async def hold(change: Change) -> None:
        begun.append(change.new.connection_pool.max_connections)
        await asyncio.Event().wait()

    end_hold = loader.subscribe(hold)
    loader.subscribe(lambda change: told.append(change.new.connection_pool.max_connections))
    end = loader.subscribe(lambda change: ended.append(change.new.connection_pool.max_connections))
    place.write("connection_pool: {max_connections: 6}")
    first = asyncio.create_task(loader.reload())
    await eventually(lambda: begun == [6])
    place.write("connection_pool: {max_connections: 7}")
    assert await loader.reload() is not None
    first.cancel()
    await asyncio.wait([first])
    end_hold()
    end()
    assert await loader.reload() is None, "nothing differs"
    assert (begun, told, ended) == ([6], [6, 7], [])


async def test_a_change_of_folder_moves_no_file(place: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    (place.folder / "elsewhere").mkdir()
    monkeypatch.chdir(place.folder)
    place.write("connection_pool: {max_connections: 5}")
    place.env["TRADEWIRE_CONFIG_KEY_FILE"] = "own.key"
    loader = ConfigLoader("config/trading.yaml", env=place.env, env_file=".env")
    token = loader.encrypt_value("s", "exchanges.b.api_secret")
    assert loader.load().connection_pool.max_connections == 5
    monkeypatch.chdir("elsewhere")
    place.write(f"exchanges: {{b: {{name: B, api_secret: '{token}'}}}}")
    (place.folder / ".env").write_text("TRADING_CONNECTION_MAX_CONNECTIONS=6\n")
    await loader.reload()
    assert loader.config.connection_pool.max_connections == 6
    assert loader.config.exchanges["b"].api_secret == Secret("s")


async def test_a_loader_of_a_process_without_a_folder(
    place: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    gone = tmp_path / "gone"
    gone.mkdir()
    monkeypatch.chdir(gone)
    gone.rmdir()
    assert place.load("connection_pool: {max_connections: 5}").connection_pool.max_connections == 5


async def test_a_reload_that_fails_while_watching_is_one_error(place: Any, caplog: pytest.LogCaptureFixture) -> None:
    loader = place.loader("connection_pool: {max_connections: 5}")
    await loader.load_config()
    place.write("a: 1\nb: 2\n")
    await loader._on_files(False)
    errors = [record for record in caplog.records if record.levelno >= logging.ERROR]
    assert len(errors) == 1
    assert "the old one stays: 2 problems" in errors[0].getMessage()
    assert f"{place.path}:2: b: is unknown" in errors[0].getMessage()


async def test_a_bug_of_ours_does_not_end_the_watching(
    place: Any, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    loader = place.loader("environment: paper")
    await loader.load_config()
    monkeypatch.setattr(loader, "_reload", lambda: 1 / 0)
    await loader._on_files(False)
    assert "the old one stays" in caplog.text


async def test_load_config_watches_when_asked(place: Any, eventually: Any) -> None:
    loader = place.loader("connection_pool: {max_connections: 5}", enable_hot_reload=True)
    await loader.load_config()
    try:
        os.utime(place.path)
        place.write("connection_pool: {max_connections: 6}")
        await eventually(lambda: loader.config.connection_pool.max_connections == 6)
    finally:
        await loader.stop()
    await loader.stop()


async def test_as_a_context_manager(place: Any, eventually: Any) -> None:
    async with place.loader("connection_pool: {max_connections: 5}") as loader:
        assert loader.config.connection_pool.max_connections == 5
        place.write("connection_pool: {max_connections: 6}")
        await eventually(lambda: loader.config.connection_pool.max_connections == 6)
    assert not [task for task in asyncio.all_tasks() if task.get_name() == "tradewire-config-watcher"]
