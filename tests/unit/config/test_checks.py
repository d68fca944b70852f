"""Rules over a whole configuration: hosts, environments, named credentials."""

from __future__ import annotations

from typing import Any

import pytest

from tradewire.config import CredentialsConfig, ExchangeConfig, GlobalSettings, ProviderConfig, TradingApiConfig
from tradewire.config.checks import check_whole, variables_of
from tradewire.config.schema import ApiSettings
from tradewire.config.settings import Section

HOSTS = {"binance": frozenset({"fstream.binance.com", "fapi.binance.com"})}


def found(
    section: Section,
    environment: str = "paper",
    *,
    unsafe_hosts: bool = False,
    hosts: dict[str, frozenset[str]] | None = HOSTS,
    variables: tuple[str, ...] = (),
) -> list[tuple[str, str]]:
    return list(
        check_whole(
            {"x": section},
            environment,
            unsafe_hosts=unsafe_hosts,
            allowed_hosts=hosts,
            credentials=frozenset({"main"}),
            is_set=lambda name: name in variables,
        )
    )


def provider(url: str, venue: str | None = "binance") -> ProviderConfig:
    return ProviderConfig(name="p", venue=venue, websocket_url=url)


@pytest.mark.parametrize("environment", ["sim", "paper", "testnet"])
@pytest.mark.parametrize(
    "url", ["ws://127.0.0.1:9001", "ws://localhost/x", "ws://[::1]:1", "wss://fstream.binance.com/x"]
)
def test_allowed_hosts(url: str, environment: str) -> None:
    assert found(provider(url), environment) == []


@pytest.mark.parametrize(
    ("url", "rule"),
    [
        ("wss://evil.example", "must be a host of binance (fapi.binance.com, fstream.binance.com), not evil.example"),
        ("wss://fstream.binance.com.evil.example", "must be a host of binance"),
        ("wss://169.254.169.254/latest", "must be a host of binance"),
        ("ws://fstream.binance.com", "must begin with wss://"),
    ],
)
@pytest.mark.parametrize("environment", ["sim", "paper", "testnet", "live"])
def test_refused_hosts(url: str, rule: str, environment: str) -> None:
    ((path, said),) = found(provider(url), environment)
    assert path == "x.websocket_url"
    assert said.startswith(rule)


def test_a_foreign_host_in_clear_text_is_two_problems() -> None:
    assert [said[:14] for _, said in found(provider("ws://evil.example"))] == ["must begin wit", "must be a host"]


def test_live_refuses_this_machine_even_with_unsafe_hosts() -> None:
    rules = dict(found(provider("ws://127.0.0.1:1"), "live", unsafe_hosts=True))
    assert set(rules) == {"unsafe_hosts", "x.websocket_url"}
    assert "this machine" in rules["x.websocket_url"]


@pytest.mark.parametrize(
    "host",
    ["127.1", "2130706433", "0.0.0.0", "[::]", "[::ffff:127.0.0.1]", "localhost.", "x.localhost"],  # noqa: S104
)
def test_live_knows_this_machine_in_every_spelling(host: str) -> None:
    ((_, rule),) = found(provider(f"wss://{host}/"), "live", hosts=None)
    assert "this machine, which live refuses" in rule


def test_live_takes_other_hosts_when_nobody_said_which() -> None:
    assert found(provider("wss://10.0.0.1"), "live", hosts=None) == []
    assert found(provider("wss://h.example"), "live", hosts=None) == []


def test_unsafe_hosts_widen_but_not_in_live() -> None:
    assert found(provider("wss://evil.example"), unsafe_hosts=True) == []
    assert len(found(provider("wss://evil.example"), "live", unsafe_hosts=True)) == 2


@pytest.mark.parametrize("environment", ["sim", "paper", "testnet"])
def test_unsafe_hosts_allow_no_clear_text(environment: str) -> None:
    """Keys go to that address; only on this machine nobody listens on the way."""
    ((path, rule),) = found(provider("ws://10.0.0.1/ws"), environment, unsafe_hosts=True)
    assert (path, rule) == ("x.websocket_url", "must begin with wss:// (unencrypted only on loopback)")
    rest = ProviderConfig(name="p", venue="binance", rest_url="http://10.0.0.1")
    ((path, rule),) = found(rest, environment, unsafe_hosts=True)
    assert (path, rule) == ("x.rest_url", "must begin with https:// (unencrypted only on loopback)")
    assert found(provider("ws://127.0.0.1:1"), environment, unsafe_hosts=True) == []


def test_hosts_of_a_venue_that_nobody_named_are_its_own_affair() -> None:
    assert found(provider("wss://own.example", None)) == []
    ((_, rule),) = found(provider("ws://own.example", None))
    assert rule.startswith("must begin with wss://")
    ((_, rule),) = found(provider("wss://own.example", None), hosts={"p": frozenset({"other.example"})})
    assert rule.startswith("must be a host of p (other.example), not own.example; unsafe_hosts: true")
    assert found(provider("wss://own.example", None), hosts={"p": frozenset({"own.example"})}) == []
    assert found(provider("wss://own.example", None), hosts=None) == []


def test_the_rest_address_is_checked_too() -> None:
    made = ProviderConfig(name="binance", rest_url="https://evil.example")
    assert [path for path, _ in found(made)] == ["x.rest_url"]


def test_a_credential_is_written_or_in_the_environment() -> None:
    made = ProviderConfig(name="p", credential="mian")
    ((path, rule),) = found(made)
    assert path == "x.credential"
    assert "did you mean 'main'?" in rule
    assert "MIAN_API_KEY" in rule
    assert found(made, variables=("MIAN_API_KEY",)) == []
    assert found(ProviderConfig(name="p", credential="main")) == []


def test_the_variables_of_a_credential() -> None:
    assert variables_of("alpaca-second") == ("ALPACA_SECOND_API_KEY", "ALPACA_SECOND_SECRET_KEY")


LIVE_EXCHANGE = ExchangeConfig(name="n", testnet=False, paper_trading=False)
PAPER_API = TradingApiConfig(provider="p")
LIVE_API = TradingApiConfig(provider="p", settings=ApiSettings(use_paper_trading=False))
LIVE_KEY = TradingApiConfig(provider="p", settings=LIVE_API.settings, credentials=CredentialsConfig(environment="live"))


@pytest.mark.parametrize(
    ("section", "environment", "paths"),
    [
        (ExchangeConfig(name="n"), "live", ["x.testnet", "x.paper_trading"]),
        (LIVE_EXCHANGE, "live", []),
        (LIVE_EXCHANGE, "paper", []),
        (LIVE_EXCHANGE, "testnet", ["x.testnet"]),
        (LIVE_EXCHANGE, "sim", ["x.testnet"]),
        (ExchangeConfig(name="n"), "sim", []),
        (LIVE_API, "sim", ["x.settings.use_paper_trading"]),
        (LIVE_KEY, "sim", ["x.credentials.environment", "x.settings.use_paper_trading"]),
        (PAPER_API, "sim", []),
        (GlobalSettings(), "sim", []),
        (PAPER_API, "live", ["x.settings.use_paper_trading"]),
        (TradingApiConfig(provider="p", enabled=False), "live", []),
        (LIVE_API, "live", []),
        (LIVE_API, "paper", []),
        (LIVE_KEY, "live", []),
        (LIVE_KEY, "paper", ["x.credentials.environment"]),
        (GlobalSettings(), "live", ["x.enable_paper_trading"]),
        (GlobalSettings(enable_paper_trading=False), "live", []),
        (GlobalSettings(), "paper", []),
    ],
)
def test_what_must_agree_with_the_environment(section: Section, environment: str, paths: list[str]) -> None:
    assert [path for path, _ in found(section, environment)] == paths


def test_rules_over_the_whole_hold_beside_other_problems(place: Any, texts: Any) -> None:
    text = """\
    environment: live
    global_settings: {default_timeout_ms: 0}
    exchanges:
      b: {name: N, testnet: false, timeout: x}
    apis:
      a: {provider: 3, credentials: {environment: paper}}
    streaming:
      providers:
        - {name: binance, websocket_url: 'wss://127.0.0.1', rest_url: x, credential: nobody, codec: xml}
    """
    assert [(each.line, each.path) for each in place.problems(text)] == [
        (2, "global_settings.default_timeout_ms"),
        (2, "global_settings.enable_paper_trading"),
        (4, "exchanges.b.paper_trading"),
        (4, "exchanges.b.timeout"),
        (6, "apis.a.credentials.environment"),
        (6, "apis.a.provider"),
        (6, "apis.a.settings.use_paper_trading"),
        (9, "streaming.providers.binance.codec"),
        (9, "streaming.providers.binance.credential"),
        (9, "streaming.providers.binance.rest_url"),
        (9, "streaming.providers.binance.websocket_url"),
    ]


@pytest.mark.parametrize(
    ("text", "paths"),
    [
        ("environment: lve\nexchanges: {b: {name: N, testnet: false}}", ["environment"]),
        (
            "environment: live\nglobal_settings: {enable_paper_trading: false}\n"
            "exchanges: {b: {name: N, testnet: x, paper_trading: false}}",
            ["exchanges.b.testnet"],
        ),
        (
            "unsafe_hosts: ture\nstreaming: {providers: [{name: binance, rest_url: 'https://own.example'}]}",
            ["unsafe_hosts"],
        ),
        (
            "streaming: {providers: [{name: 'b?', venue: '?', rest_url: 'https://own.example'}]}",
            ["streaming.providers.b?.name", "streaming.providers.b?.venue"],
        ),
    ],
)
def test_rules_over_the_whole_ask_nothing_of_what_is_wrong(place: Any, text: str, paths: list[str]) -> None:
    def hosts(environment: str) -> dict[str, frozenset[str]]:
        return {"binance": frozenset({"fapi.binance.com"})}

    assert [each.path for each in place.problems(text, allowed_hosts=hosts)] == paths
