"""A configuration kept current, and gateways made of one. Plans: test_plan.py. Sockets: tests/integration."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from streaming_config import TWO, load, written
from tradewire import DataProviderAdapter, Secret
from tradewire.core import Quote, Trade
from tradewire.core.record import RECORD, Kind
from tradewire.errors import ConfigError, MissingCredentialError, UnsupportedError
from tradewire.streaming import StreamingGateway
from tradewire.streaming.configured import Configured
from tradewire.streaming.plan import GatewayPlan, plan_of
from tradewire.telemetry import Counters
from tradewire.transport.auth import Credential


@pytest.mark.parametrize("method", ["", "auth_method: api_key, "])
def test_keys_of_the_house_may_stand_in_the_env_file(
    tmp_path: Path, method: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    for name in ("ALPACA_API_KEY", "ALPACA_SECRET_KEY"):
        monkeypatch.delenv(name, raising=False)
    dotenv = tmp_path / ".env"
    dotenv.write_text("ALPACA_API_KEY=PK1\nALPACA_SECRET_KEY=hush\n")
    dotenv.chmod(0o600)
    text = f"streaming: {{providers: [{{name: alpaca_crypto, {method}symbols: [BTC/USD], subscriptions: [trades]}}]}}"
    credential = Configured(written(tmp_path, text), hot_reload=False).plan.providers["alpaca_crypto"].credential
    assert credential is not None
    assert credential.api_key.reveal() == "PK1"


def test_a_gateway_by_file(tmp_path: Path) -> None:
    gateway = StreamingGateway(written(tmp_path, TWO))
    assert list(gateway.managers) == ["binance", "spare", "spot"]
    assert [(feed.channel.name, feed.symbol) for feed in gateway.feeds()] == [
        ("trades", "BTCUSDT"),
        ("quotes", "BTCUSDT"),
        ("trades", "ETHUSDT"),
    ]
    assert [link.name for link in gateway.links] == ["public", "spot/stream"]


def test_symbols_go_to_the_provider_whose_configuration_has_them(tmp_path: Path) -> None:
    gateway = StreamingGateway(written(tmp_path, TWO))
    seen: list[Trade] = []
    assert gateway.subscribe_to_trades(["BTCUSDT", "ETHUSDT"], seen.append).symbols == ("BTCUSDT", "ETHUSDT")
    assert gateway.subscribe_to_trades("SOLUSDT", seen.append, provider="spot").symbols == ("SOLUSDT",)
    with pytest.raises(ValueError, match="no provider with channel 'trades' has 'SOLUSDT' among"):
        gateway.subscribe_to_trades("SOLUSDT", seen.append)
    with pytest.raises(UnsupportedError, match="provider must be one of binance, spare, spot, was 'kraken'"):
        gateway.subscribe_to_trades("SOLUSDT", seen.append, provider="kraken")


def test_configuration_and_arguments_exclude_each_other(tmp_path: Path) -> None:
    path = written(tmp_path, TWO)
    with pytest.raises(ValueError, match="with a configuration, symbols, url must be left to it"):
        StreamingGateway(path, symbols=["BTCUSDT"], url="ws://127.0.0.1:9")
    with pytest.raises(ValueError, match="hot_reload needs a configuration file"):
        StreamingGateway(hot_reload=True)
    with pytest.raises(ValueError, match="hot_reload needs the configuration's file"):
        StreamingGateway(load(tmp_path, TWO), hot_reload=True)
    with pytest.raises(ConfigError):
        StreamingGateway(written(tmp_path, "streaming: {provider: []}"))


@pytest.mark.parametrize(
    "given",
    [
        {"venue": "binance"},
        {"symbols": ["BTCUSDT"]},
        {"channels": ["trades"]},
        {"url": "ws://127.0.0.1:9"},
        {"rest_url": "http://127.0.0.1:9"},
        {"ring_capacity": 32_768},
        {"queue_capacity": 10_000},
        {"policies": {"trades": "keep"}},
        {"stale_after_s": {"trades": 1.0}},
        {"open_timeout_s": 10.0},
        {"credential": Credential(Secret("PK1"), Secret("hush"))},
        {"codec": "json"},
        {"loop": "sleep"},
    ],
    ids=lambda given: next(iter(given)),
)
def test_no_argument_that_the_configuration_replaces_is_passed_over(tmp_path: Path, given: dict[str, Any]) -> None:
    (name,) = given
    with pytest.raises(ValueError, match=f"with a configuration, {name} must be left to it"):
        StreamingGateway(written(tmp_path, TWO), **given)


def test_a_policy_that_is_taken_out_of_the_file_is_the_default_again(tmp_path: Path) -> None:
    gateway = StreamingGateway(load(tmp_path, TWO.replace("{quotes: keep}", "{quotes: keep, trades: conflate}")))
    events = gateway.events()
    gateway._apply(plan_of(load(tmp_path, TWO.replace("      policies: {quotes: keep}\n", ""))))
    head: Any = {"venue": "binance", "symbol": "BTCUSDT", "event_ns": 0, "recv_ns": 0, "seq": 1}
    trade: Any = Trade(price=1.0, quantity=2.0, side="buy", trade_id=1, **head)
    quote: Any = Quote(bid_price=1.0, bid_quantity=2.0, ask_price=3.0, ask_quantity=4.0, **head)
    gateway._dispatcher.publish([trade, trade, quote, quote], 0)
    assert (len(events.queue), events.queue.conflated) == (3, 1), "every trade, the latest quote"
    events.close()


def test_a_reload_leaves_a_consumers_own_policies_alone(tmp_path: Path) -> None:
    gateway = StreamingGateway(load(tmp_path, TWO))

    async def later(_: Any) -> None:
        raise AssertionError("never started")

    events = gateway.events(policies={"trades": "conflate"})
    callback = gateway.subscribe_to_trades(["BTCUSDT"], later, policies={"trades": "conflate"})
    head: Any = {"venue": "binance", "symbol": "BTCUSDT", "event_ns": 0, "recv_ns": 0, "seq": 1}
    trade: Any = Trade(price=1.0, quantity=2.0, side="buy", trade_id=1, **head)
    quote: Any = Quote(bid_price=1.0, bid_quantity=2.0, ask_price=3.0, ask_quantity=4.0, **head)

    def lost() -> list[tuple[int, int, int]]:
        gateway._dispatcher.publish([trade, trade, quote, quote], 0)
        queues = (events.queue, callback.queue)
        return [(q.waiting, q.conflated_by["trade"], q.conflated_by["quote"]) for q in queues if q is not None]

    assert lost() == [(3, 1, 0), (1, 1, 0)], "the latest trade, and every quote by the file"
    changed = TWO.replace("{quotes: keep}", "{quotes: conflate, trades: keep}")
    gateway._apply(plan_of(load(tmp_path, changed)))
    assert lost() == [(4, 3, 1), (1, 3, 0)], "still the latest trade; of new quotes the latest"
    assert gateway.backlogs["events"].conflated_by["trade"] == 3
    for consumer in (events, callback):
        consumer.close()


def test_another_buffer_size_holds_at_once(tmp_path: Path) -> None:
    gateway = StreamingGateway(load(tmp_path, TWO))
    events, batches = gateway.events(), gateway.batches()
    head: Any = {"venue": "binance", "symbol": "BTCUSDT", "event_ns": 0, "recv_ns": 0, "seq": 1}
    trade: Any = Trade(price=1.0, quantity=2.0, side="buy", trade_id=1, **head)

    def deliver() -> list[int]:
        for _ in range(100):
            batch = np.zeros(1, RECORD)
            batch["kind"] = Kind.TRADE
            gateway._dispatcher.deliver(batch, [trade], [], 0)
        return [events.queue.waiting, batches.queue.waiting]

    assert deliver() == [77, 77]
    gateway._apply(plan_of(load(tmp_path, TWO.replace("buffer_size: 77", "buffer_size: 80"))))
    assert deliver() == [80, 80]
    late = gateway.events()
    gateway._apply(plan_of(load(tmp_path, TWO.replace("buffer_size: 77", "buffer_size: 9"))))
    assert [events.queue.waiting, batches.queue.waiting] == [9, 9]
    assert deliver() == [late.queue.waiting, 9] == [9, 9]
    for stream in (events, batches, late):
        stream.close()


def test_a_new_plan_leaves_alone_what_it_does_not_change(tmp_path: Path) -> None:
    gateway = StreamingGateway(load(tmp_path, TWO))
    (kept,) = [feed for feed in gateway.feeds() if feed.channel.name == "quotes"]
    links = gateway.links
    changed = TWO.replace("subscriptions: [trades, quotes]", "subscriptions: [quotes]")
    changed = changed.replace("symbols: [BTC/USDT]", "symbols: [BTC/USDT, SOLUSDT]").replace(
        "quotes: 1.5", "quotes: 2.5"
    )
    gateway._apply(plan_of(load(tmp_path, changed)))
    feeds = {(feed.channel.name, feed.symbol): feed for feed in gateway.feeds()}
    assert list(feeds) == [("quotes", "BTCUSDT"), ("quotes", "SOLUSDT"), ("trades", "ETHUSDT")]
    assert feeds["quotes", "BTCUSDT"] is kept
    assert {feed.stale_after_ns for feed in feeds.values() if feed.channel.name == "quotes"} == {2_500_000_000}
    assert gateway.links == links


async def test_providers_come_and_go_with_the_plan(tmp_path: Path) -> None:
    gateway = StreamingGateway(load(tmp_path, TWO))
    gateway.subscribe_to_trades("ETHUSDT", print, provider="spot")
    start, rest = TWO.index("    - name: spot"), TWO.index("    - {name: off")
    gateway._apply(plan_of(load(tmp_path, TWO[:start] + TWO[rest:])))
    assert list(gateway.managers) == ["binance", "spare"]
    gateway._apply(plan_of(load(tmp_path, TWO)))
    assert [link.name for link in gateway.links] == ["public", "spot/stream"]


async def test_keys_that_the_environment_held_at_the_start_serve_reloads(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, eventually: Any
) -> None:
    """The command takes them out of the environment; the house's key is found by the venue alone."""
    text = "streaming: {symbols: [BTC/USD], providers: [{name: alpaca_crypto, subscriptions: [trades]}]}"
    monkeypatch.setenv("ALPACA_API_KEY", "k")
    monkeypatch.setenv("ALPACA_SECRET_KEY", "s")
    path = written(tmp_path, text)
    configured = Configured(path, hot_reload=True)
    monkeypatch.delenv("ALPACA_API_KEY")
    monkeypatch.delenv("ALPACA_SECRET_KEY")
    applied: list[GatewayPlan] = []
    await configured.start(applied.append)
    path.write_text(text.replace("BTC/USD", "ETH/USD"))
    await eventually(lambda: applied)
    await configured.stop()
    assert applied[0].subscriptions == (("alpaca_crypto", "trades", ("ETH/USD",)),)


@pytest.mark.parametrize(
    ("environment", "provider", "refused"),
    [
        ("paper", "{name: binance, websocket_url: 'wss://fstream.binance.com'}", ""),
        (
            "paper",
            "{name: binance, websocket_url: 'wss://demo-fstream.binance.com', rest_url: 'https://demo-fapi.binance.com'}",
            "",
        ),
        ("paper", "{name: binance, websocket_url: 'ws://127.0.0.1:9'}", "given without rest_url: give both, so that"),
        ("testnet", "{name: mine, venue: binance, rest_url: 'https://demo-fapi.binance.com'}", "without websocket_url"),
        ("sim", "{name: binance, websocket_url: 'ws://127.0.0.1:9', rest_url: 'http://localhost:9'}", ""),
        ("sim", "{name: binance, websocket_url: 'wss://evil.example'}", "must be a host of binance"),
        ("live", "{name: binance, websocket_url: 'wss://demo-fstream.binance.com'}", "must be a host of binance"),
        ("live", "{name: binance, websocket_url: 'wss://127.0.0.1:9'}", "this machine, which live refuses"),
        ("paper", "{name: mine, venue: binance, rest_url: 'https://evil.example'}", "must be a host of binance"),
        ("paper", "{name: binance_spot, websocket_url: 'wss://169.254.169.254'}", "must be a host of binance_spot"),
    ],
)
def test_addresses_are_the_venues_own(tmp_path: Path, environment: str, provider: str, refused: str) -> None:
    path = written(tmp_path, f"environment: {environment}\nstreaming: {{providers: [{provider}]}}")
    if refused:
        with pytest.raises(ConfigError, match=refused):
            StreamingGateway(path)
    else:
        assert StreamingGateway(path).managers


def test_unsafe_hosts_allow_any(tmp_path: Path) -> None:
    provider = "{name: binance, websocket_url: 'wss://own.example', rest_url: 'https://own.example'}"
    text = f"unsafe_hosts: true\nstreaming: {{providers: [{provider}]}}"
    assert StreamingGateway(written(tmp_path, text)).managers["binance"].settings.url == "wss://own.example"


def test_a_custom_provider_has_hosts_of_its_own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    class Mine(DataProviderAdapter):
        def _build_subscribe_message(self, channel: str, symbols: list[str]) -> dict[str, Any]:
            return {"channel": channel, "symbols": symbols}

    monkeypatch.setitem(StreamingGateway.AdapterMap, "mine", Mine)
    text = "streaming: {providers: [{name: mine, websocket_url: 'wss://mine.example'}]}"
    assert StreamingGateway(written(tmp_path, text)).managers["mine"].settings.url == "wss://mine.example"


def test_a_key_without_its_secret_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("ALPACA_SECRET_KEY", "ALPACA_AUTH_METHOD"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("ALPACA_API_KEY", "a")
    monkeypatch.chdir(tmp_path)
    text = "streaming: {providers: [{name: alpaca, auth_method: api_key, symbols: [AAPL]}]}"
    rule = "the key's secret as well: set ALPACA_SECRET_KEY"
    with pytest.raises(MissingCredentialError, match=rule):
        StreamingGateway(venue="alpaca")
    with pytest.raises(ConfigError, match=rule):
        StreamingGateway(written(tmp_path, text))


UNUSABLE = "must be visible ASCII characters without spaces; look for a stray line end"


@pytest.mark.parametrize("method", ["", ", auth_method: api_key"])
@pytest.mark.parametrize("dotenv", [False, True])
def test_a_key_that_cannot_be_used_is_told_where_it_was_set(
    tmp_path: Path, method: str, dotenv: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its only fault, in a variable: a blank that was pasted with it."""
    monkeypatch.chdir(tmp_path)
    for name, value in (("ALPACA_API_KEY", "abc "), ("ALPACA_SECRET_KEY", "hush")):
        monkeypatch.setenv(name, value)
        if dotenv:
            monkeypatch.delenv(name)
    if dotenv:
        (tmp_path / ".env").write_text("ALPACA_SECRET_KEY=hush\nALPACA_API_KEY='abc '\n")
        (tmp_path / ".env").chmod(0o600)
    text = f"streaming:\n  providers:\n    - {{name: alpaca{method}, symbols: [AAPL], subscriptions: [trades]}}"
    path = written(tmp_path, text)
    with pytest.raises(ConfigError) as caught:
        StreamingGateway(path)
    provider, where = "streaming.providers.alpaca", ".env:2" if dotenv else "$ALPACA_API_KEY"
    if method:
        assert str(caught.value) == f"{where}: {provider}.credentials.api_key: {UNUSABLE}"
    else:
        assert str(caught.value) == f"{path}:3: {provider}: ALPACA_API_KEY {UNUSABLE}"


def test_a_key_that_cannot_be_used_is_told_with_its_line(tmp_path: Path) -> None:
    text = """
credentials:
  main: {api_key: "abc ", secret_key: hush}
streaming:
  symbols: [AAPL]
  providers:
    - name: alpaca
      credentials:
        api_key: "abc "
        secret_key: hush
      subscriptions: [trades]
    - {name: alpaca_sip, credential: main, subscriptions: [trades]}
"""
    path = written(tmp_path, text)
    path.chmod(0o600)
    with pytest.raises(ConfigError) as caught:
        StreamingGateway(path)
    assert [str(problem) for problem in caught.value.problems] == [
        f"{path}:9: streaming.providers.alpaca.credentials.api_key: {UNUSABLE}",
        f"{path}:12: streaming.providers.alpaca_sip: credentials.main.api_key {UNUSABLE}",
    ]


async def test_a_reload_with_a_key_that_cannot_be_used_is_refused(tmp_path: Path, eventually: Any) -> None:
    text = "credentials: {main: {api_key: KEY, secret_key: s}}\n" + TWO.replace(
        "    - {name: off",
        "    - {name: alpaca, credential: main, symbols: [AAPL], subscriptions: [trades]}\n    - {name: off",
    )
    path = written(tmp_path, text)
    path.chmod(0o600)
    counters = Counters()
    configured = Configured(path, hot_reload=True, counters=counters)
    await configured.start(lambda _: None)
    try:
        written(tmp_path, text.replace("KEY", "'K EY'"))
        await eventually(lambda: counters["reloads.refused"] == 1)
    finally:
        await configured.stop()


def test_events_of_a_symbol_come_from_every_venue_that_has_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    gateway = StreamingGateway(load(tmp_path, TWO))
    opened: list[list[int]] = []
    monkeypatch.setattr(gateway._dispatcher, "open_events", lambda names, ids, _: opened.append(list(ids)))
    gateway.events("BTC/USDT")
    usdm, spot = gateway.managers["binance"].symbol_id("BTCUSDT"), gateway.managers["spot"].symbol_id("BTCUSDT")
    assert usdm != spot
    assert set(opened[0]) == {usdm, spot}


UNSERVED = """\
streaming:
  symbols: [BTCUSDT]
  providers:
    - name: binance
      subscriptions: [trades, smells]
      stale_after: {tastes: 3}
      codec: msgpack
    - {name: nowhere, subscriptions: [trades]}
    - {name: alpaca, subscriptions: [book]}
"""
SERVED = "streaming: {symbols: [BTCUSDT], providers: [{name: binance, subscriptions: [trades]}]}\n"
PATHS = [
    "providers.binance",
    "providers.binance.subscriptions.[1]",
    "providers.binance.stale_after.tastes",
    "providers.nowhere",
    "providers.alpaca.subscriptions.[0]",
    "providers.alpaca",
]


@pytest.fixture
def no_keys(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    for name in ("ALPACA_API_KEY", "ALPACA_SECRET_KEY"):
        monkeypatch.delenv(name, raising=False)


@pytest.mark.usefixtures("no_keys")
def test_everything_that_no_venue_serves_is_told_at_once(tmp_path: Path) -> None:
    path = written(tmp_path, UNSERVED)
    with pytest.raises(ConfigError) as caught:
        StreamingGateway(path)
    problems = caught.value.problems
    assert [(each.file, each.line) for each in problems] == [(str(path), line) for line in (4, 5, 6, 8, 9, 9)]
    assert {each.path.removeprefix("streaming.") for each in problems} == set(PATHS)
    with pytest.raises(ConfigError) as caught:
        StreamingGateway(load(tmp_path, UNSERVED))
    assert {(each.file, each.path.removeprefix("streaming.")) for each in caught.value.problems} == {
        ("configuration", path) for path in PATHS
    }


@pytest.mark.parametrize("text", ["streaming: {}", "streaming: {providers: [{name: binance, enabled: false}]}"])
def test_a_gateway_needs_a_provider(tmp_path: Path, text: str) -> None:
    with pytest.raises(ConfigError, match=r"streaming.yaml:1: streaming.providers: must hold at least one enabled"):
        StreamingGateway(written(tmp_path, text))


@pytest.mark.usefixtures("no_keys")
async def test_a_reload_that_no_venue_serves_says_all_of_it_and_changes_nothing(
    tmp_path: Path, eventually: Any, caplog: pytest.LogCaptureFixture
) -> None:
    path = written(tmp_path, SERVED)
    counters = Counters()
    configured = Configured(path, hot_reload=True, counters=counters)
    plan, applied, since_ns = configured.plan, list[GatewayPlan](), configured.applied_ns
    await configured.start(applied.append)
    path.write_text(UNSERVED)
    await eventually(lambda: caplog.records)
    (record,) = caplog.records
    assert record.levelname == "ERROR"
    said = record.getMessage()
    assert said.startswith("configuration not reloaded, the old one stays: 6 problems in the configuration:\n")
    assert all(f"{path}:{line}: streaming." in said for line in (4, 5, 6, 8, 9))
    assert (configured.plan, applied, configured.applied_ns) == (plan, [], since_ns)
    assert counters.snapshot() == {"reloads.refused": 1}
    # Only now something differs from what holds.
    path.write_text(SERVED.replace("BTCUSDT", "ETHUSDT"))
    await eventually(lambda: applied)
    await configured.stop()
    assert applied[0].subscriptions == (("binance", "trades", ("ETHUSDT",)),)


async def test_a_key_that_the_configuration_names_is_changed_by_a_reload(tmp_path: Path, eventually: Any) -> None:
    text = "credentials: {desk: {api_key: one, secret_key: s}}\n" + SERVED.replace(
        "name: binance,", "name: binance, auth_method: api_key, credential: desk,"
    )
    path = written(tmp_path, text)
    path.chmod(0o600)
    configured = Configured(path, hot_reload=True)
    applied: list[GatewayPlan] = []
    await configured.start(applied.append)
    path.write_text(text.replace("one", "two"))
    await eventually(lambda: applied)
    await configured.stop()
    credential = applied[0].providers["binance"].credential
    assert credential is not None
    assert credential.api_key == Secret("two")


async def test_a_plan_that_the_gateway_refuses_is_told_and_the_old_one_applied_again(
    tmp_path: Path, eventually: Any, caplog: pytest.LogCaptureFixture
) -> None:
    path = written(tmp_path, SERVED)
    counters = Counters()
    configured = Configured(path, hot_reload=True, counters=counters)
    plan, asked, since_ns = configured.plan, list[GatewayPlan](), configured.applied_ns

    def apply(wanted: GatewayPlan) -> None:
        asked.append(wanted)
        if wanted is not plan:
            raise UnsupportedError("the ring is too small")

    await configured.start(apply)
    path.write_text(SERVED.replace("BTCUSDT", "ETHUSDT"))
    await eventually(lambda: len(asked) == 2)
    await configured.stop()
    assert asked[1] is configured.plan is plan
    assert "cannot be applied, the gateway goes on as before: the ring is too small" in caplog.text
    assert counters.snapshot() == {"reloads.refused": 1}
    assert configured.applied_ns == since_ns


async def test_venue_and_codec_stay_and_the_line_that_would_change_them_is_told(
    tmp_path: Path, eventually: Any, caplog: pytest.LogCaptureFixture
) -> None:
    text = """
credentials: {main: {api_key: k, secret_key: s}}
streaming:
  symbols: [AAPL]
  providers:
    - name: mine
      venue: alpaca
      codec: json
      credential: main
      subscriptions: [trades]
"""
    path = written(tmp_path, text)
    path.chmod(0o600)
    configured = Configured(path, hot_reload=True)
    asked, plan = list[GatewayPlan](), configured.plan
    await configured.start(asked.append)
    path.write_text(text.replace("codec: json", "codec: msgpack").replace("venue: alpaca", "venue: alpaca_sip"))
    await eventually(lambda: asked)
    await configured.stop()
    assert asked == [plan]
    stays = "while the gateway runs: give the provider another name"
    assert caplog.messages[0].splitlines()[1:] == [
        f"{path}:7: streaming.providers.mine.venue: stays alpaca {stays}",
        f"{path}:8: streaming.providers.mine.codec: stays json {stays}",
    ]


async def test_what_a_reload_changed_is_said_in_one_line(
    tmp_path: Path, eventually: Any, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("INFO", "tradewire.streaming.configured")
    path = written(tmp_path, SERVED)
    counters = Counters()
    configured = Configured(path, hot_reload=True, counters=counters)
    began_ns = configured.applied_ns
    await configured.start(lambda plan: None)
    path.write_text(SERVED.replace("BTCUSDT", "ETHUSDT").replace("{symbols", "{buffer_size: 9, symbols"))
    await eventually(lambda: caplog.messages)
    path.write_text(path.read_text() + "connection_pool: {max_connections: 20}\n")
    await eventually(lambda: len(caplog.messages) == 2)
    await configured.stop()
    assert caplog.messages == [
        "configuration applied: streaming.buffer_size, streaming.symbols",
        "configuration changed, nothing of it for market data: connection_pool.max_connections",
    ]
    assert counters.snapshot() == {"reloads.applied": 2}
    assert 0 < began_ns < configured.applied_ns
