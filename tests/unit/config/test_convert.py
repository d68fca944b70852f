"""Nodes to sections: every problem at once, each with its line, and no secret in any."""

from __future__ import annotations

from typing import Any

import pytest

from tradewire.config import Config, Problem
from tradewire.config.convert import Converter, is_token, put, tree_of
from tradewire.config.nodes import Branch, Leaf, compose
from tradewire.config.problem import Place


def convert(text: str, variables: dict[str, str] | None = None) -> tuple[Any, Converter]:
    tree, problems = compose(text.encode(), "c.yaml")
    assert problems == []

    def decrypt(token: str, path: str) -> str:
        if "bad" in token:
            raise ValueError("was changed")
        return token.removeprefix("ENC[").removesuffix("]").replace("PATH", path)

    converter = Converter((variables or {}).get, decrypt)
    return converter.section(Config, tree), converter


def problems(text: str, variables: dict[str, str] | None = None) -> list[Problem]:
    _, converter = convert(text, variables)
    assert converter.problems
    return converter.problems


def words(found: list[Problem]) -> list[str]:
    return [str(each).removeprefix("c.yaml:") for each in found]


def test_good_entries_stay_beside_bad_ones() -> None:
    """So that those who know the channels can say what is wrong with their names, in the same run."""
    config, converter = convert("streaming: {providers: [{name: p, stale_after: {quotes: -1, foo: 2}}]}")
    assert [each.path for each in converter.problems] == ["streaming.providers.p.stale_after.quotes"]
    assert config.streaming.providers[0].stale_after == {"foo": 2.0}
    config, converter = convert("credentials: {a: 5, b: {api_key: k}}")
    assert not hasattr(config, "credentials"), "half the keys would be missed elsewhere"


@pytest.mark.parametrize("text", ['["BTCUSDT","ETHUSDT"]', " [BTCUSDT]"])
def test_a_list_in_a_variable_is_no_json(text: str) -> None:
    (problem,) = problems('streaming: {symbols: "${S}"}', {"S": text})
    assert (problem.path, problem.value) == ("streaming.symbols", "${S}")
    assert problem.rule == "must be values with commas between them, without brackets and quotes: BTCUSDT,ETHUSDT"


def test_all_problems_at_once_each_with_its_line() -> None:
    text = """
streming: 1
connection_pool:
  min_connections: ten
  max_connections: 0
  max_connection: 3
apis:
  a: {enabled: maybe}
  b: 3
streaming:
  symbols: AAPL
  providers:
    - {websocket_url: wss://h}
    - {name: x, codec: xml}
"""
    assert words(problems(text)) == [
        "2: streming: is unknown: did you mean 'streaming'?",
        "6: connection_pool.max_connection: is unknown: did you mean 'max_connections'?",
        "4: connection_pool.min_connections: must be an integer from 0 to 1,000, was 'ten'",
        "5: connection_pool.max_connections: must be an integer from 1 to 1,000, was '0'",
        "8: apis.a.provider: is missing: letters, digits, '-' and '_', beginning with a letter (Whose API.)",
        "8: apis.a.enabled: must be true or false, was 'maybe'",
        "9: apis.b: must be a mapping with provider, enabled, credentials, settings",
        "11: streaming.symbols: must be a list, each a symbol such as AAPL or BTC/USDT, was 'AAPL'",
        "13: streaming.providers.[0].name: is missing: letters, digits, '-' and '_', beginning with a letter "
        "(Its name, in logs, metrics and `fallback`.)",
        "14: streaming.providers.x.codec: must be one of json, msgpack, was 'xml'",
    ]


def test_a_section_with_a_problem_lacks_what_could_not_be_read() -> None:
    _, converter = convert("connection_pool: {min_connections: x, max_connections: 7}")
    made = converter.sections["connection_pool"]
    assert getattr(made, "max_connections") == 7  # noqa: B009 - of a Section
    assert not hasattr(made, "min_connections")
    assert convert("connection_pool: 3")[1].sections.keys() == {""}


def test_rules_hold_where_other_settings_are_wrong() -> None:
    text = """
connection_pool: {min_connections: 9, max_connections: 2, idle_timeout: x}
streaming:
  loop: spn
  providers:
  - {name: a, fallback: a, credential: k, credentials: {api_key: ''}}
  - {name: b, codec: xml, fallback: nobody}
  - {name: c, standby: true, enabled: true, rest_url: x}
streaming_health: {api: {enabled: true, host: 10.0.0.1, port: x}}
"""
    assert [each.path for each in problems(text)] == [
        "connection_pool.idle_timeout",
        "connection_pool.min_connections",
        "streaming.providers.a.credentials.api_key",
        "streaming.providers.a.fallback",
        "streaming.providers.a.credential",
        "streaming.providers.b.codec",
        "streaming.providers.c.rest_url",
        "streaming.loop",
        "streaming.providers.b.fallback",
        "streaming.providers.c.standby",
        "streaming_health.api.port",
        "streaming_health.api.host",
    ]


@pytest.mark.parametrize(
    ("text", "paths"),
    [
        ("connection_pool: {min_connections: x, max_connections: 2}", ["connection_pool.min_connections"]),
        ("streaming_health: {api: {enabled: x, host: 10.0.0.1}}", ["streaming_health.api.enabled"]),
        # Whether `b` is there cannot be said.
        (
            "streaming: {providers: [{name: a, fallback: b}, {name: 'b?'}]}",
            ["streaming.providers.b?.name"],
        ),
        # Whether `a` is anybody's fallback cannot be said; `b` is not.
        (
            "streaming: {providers: [{name: a, standby: true}, {name: c, fallback: 'b?'}, {name: d, fallback: b}]}",
            ["streaming.providers.c.fallback", "streaming.providers.d.fallback"],
        ),
        ("streaming: {providers: [{name: a, fallback: b}, 3]}", ["streaming.providers.[1]"]),
    ],
)
def test_a_rule_is_left_out_where_its_own_settings_are_wrong(text: str, paths: list[str]) -> None:
    assert [each.path for each in problems(text)] == paths


def test_empty_sections_are_as_if_left_out() -> None:
    made, converter = convert("apis:\nstreaming:\nglobal_settings: ~\nstreaming_health: {api: {token: ~}}")
    assert converter.problems == []
    assert made == Config()


def test_an_empty_number_is_a_problem() -> None:
    assert words(problems("connection_pool:\n  min_connections:\n")) == [
        "2: connection_pool.min_connections: must be an integer from 0 to 1,000, was 'nothing'"
    ]


def test_texts_are_not_guessed_at() -> None:
    made, _ = convert("streaming: {symbols: [NO, ON, 600519, 1e3, BTC/USDT]}")
    assert made.streaming.symbols == ("NO", "ON", "600519", "1e3", "BTC/USDT")


def test_quotes_make_a_text_of_a_number() -> None:
    assert words(problems('connection_pool: {min_connections: "5"}')) == [
        "1: connection_pool.min_connections: must be an integer from 0 to 1,000, without quotes, was '5'"
    ]
    made, _ = convert('connection_pool: {min_connections: "${N}"}', {"N": "5"})
    assert made.connection_pool.min_connections == 5


def test_interpolation_in_a_list() -> None:
    made, _ = convert("streaming: {symbols: '${S}'}", {"S": "AAPL, MSFT,,"})
    assert made.streaming.symbols == ("AAPL", "MSFT")


def test_missing_variables_are_all_found() -> None:
    text = "apis: {a: {provider: p, credentials: {api_key: '${A}', secret_key: '${B}'}}}"
    assert [each.rule[:13] for each in problems(text)] == ["$A is not set", "$B is not set"]


def test_no_default_is_advised_for_a_secret() -> None:
    ((of_key, of_timeout)) = problems("exchanges: {a: {name: n, api_key: '${A}', timeout: '${B}'}}")
    assert of_key.rule == "$A is not set: set it, in the environment or in .env"
    assert of_timeout.rule == "$B is not set: set it, or write ${B:-a default}"


@pytest.mark.parametrize(
    "text",
    [
        "exchanges: {a: {name: n, api_key: '', timeout: '${CANARY}'}}",
        "exchanges: {a: {name: n, timeout: 'ENC[canary]'}}",
        "exchanges: {a: {name: n, api_key: [canary]}}",
        "exchanges: {a: {name: n, api_key: {canary: canary2}}}",
        "exchanges: {a: {name: n, api_key: 'ENC[bad canary]'}}",
        "exchanges: {a: {name: '${CANARY}'}}",
        "exchanges: {a: canary}",
        "exchanges: canary",
        "credentials: {a: canary}",
        "apis: {a: {provider: p, credentials: canary, api_key: canary}}",
        "streaming: {providers: [canary, {name: p, credentials: canary}]}",
        "streaming_health: {api: canary}",
        "streaming: {providers: [{name: p, websocket_url: 'wss://user:canary@h'}]}",
        "streaming: {providers: [{name: p, rest_url: 'https://h/?a= b&api_key=canary'}]}",
        "streaming: {symbols: '${CANARY}', providers: '${CANARY}'}",
        "streaming: {providers: [{name: '${CANARY}'}]}",
        "streaming: {providers: [{name: p, rest_url: 'http://canary@h'}]}",
        "streaming: {providers: [{name: p, rest_url: 'ftp://h/?k=canary'}]}",
    ],
)
def test_no_secret_is_in_a_problem(text: str) -> None:
    found = problems(text, {"CANARY": "canary, canary2 !"})
    assert "canary" not in str(found)


def test_a_secret_in_a_file_is_noted_as_literal() -> None:
    _, converter = convert(
        "exchanges:\n  a: {name: n, api_key: k, api_secret: '${S}'}\n  b: {name: n, api_key: 'ENC[PATH]'}\n", {"S": "s"}
    )
    assert list(converter.literals) == ["exchanges.a.api_key"]
    assert list(converter.tokens) == ["exchanges.b.api_key"]
    assert converter.secret_variables == {"S"}


def test_an_encrypted_value_is_asked_for_with_its_path() -> None:
    made, _ = convert("exchanges: {b: {name: n, api_key: 'ENC[PATH]', timeout: 'ENC[7]'}}")
    assert made.exchanges["b"].api_key.reveal() == "exchanges.b.api_key"
    assert made.exchanges["b"].timeout == 7.0


@pytest.mark.parametrize("written", ["'ENC[wss://h/canary]'", "'${U}'", "'${UNSET:-ENC[wss://h/canary]}'"])
def test_what_was_encrypted_is_concealed_wherever_it_stood(written: str) -> None:
    text = (
        f"streaming: {{symbols: ['ENC[canary]', B], providers: [{{name: p, websocket_url: {written}, codec: json}}]}}"
    )
    made, converter = convert(text, {"U": "ENC[wss://h/canary]"})
    assert made.streaming.providers[0].websocket_url == "wss://h/canary"
    assert made.streaming.symbols == ("canary", "B")
    assert "canary" not in repr(made)
    assert "codec='json'" in repr(made)
    assert converter.concealed.paths == {"streaming.symbols.[0]", "streaming.providers.p.websocket_url"}


def test_a_secret_setting_needs_no_concealment() -> None:
    made, converter = convert("exchanges: {b: {name: n, api_key: 'ENC[PATH]'}}")
    assert not converter.concealed.paths
    assert "api_key=Secret('***')" in repr(made)


def test_names_are_not_encrypted() -> None:
    for name in ("'ENC[p]'", "'${N}'"):
        (found,) = problems(f"streaming: {{providers: [{{name: {name}}}]}}", {"N": "ENC[p]"})
        assert found.rule == "is told everywhere: write it as it is"


def test_an_encrypted_value_from_a_variable() -> None:
    made, converter = convert("exchanges: {b: {name: n, api_key: '${K}'}}", {"K": "ENC[PATH]"})
    assert made.exchanges["b"].api_key.reveal() == "exchanges.b.api_key"
    assert not converter.tokens, "only those that stand in the file can be encrypted anew there"


def test_two_providers_of_one_name() -> None:
    found = words(problems("streaming:\n  providers:\n  - {name: a}\n  - {name: a}\n"))
    assert found == ["4: streaming.providers.a: is written twice: give each its own name"]


def test_a_rule_shows_the_value_as_it_is_written() -> None:
    text = "connection_pool: {min_connections: 11}"
    assert words(problems(text)) == [
        "1: connection_pool.min_connections: must not be above max_connections (10), was '11'"
    ]
    (problem,) = problems("connection_pool: {min_connections: '${N}'}", {"N": "11"})
    assert problem.value is None, "what a variable holds is not shown"
    (problem,) = problems("connection_pool: {min_connections: 'ENC[11]'}")
    assert problem.value is None


def test_a_rule_is_reported_where_the_value_stands() -> None:
    text = "connection_pool:\n  max_connections: 2\n"
    assert words(problems(text)) == ["1: connection_pool.min_connections: must not be above max_connections (2)"]


def test_names_of_entries() -> None:
    assert words(problems("apis:\n  a.b: {provider: p}\n")) == [
        "2: apis.a.b: names must be letters, digits, '-' and '_', beginning with a letter, 64 at most"
    ]


def test_put_makes_what_is_missing_and_leaves_what_is_wrong() -> None:
    tree, _ = compose(b"a: 1\nb:\nlist: [{name: x}]\n", "c.yaml")
    leaf = Leaf("v", Place("argument"), given=True)
    put(tree, ("a", "c"), leaf)
    put(tree, ("b", "c"), leaf)
    put(tree, ("list", "x", "k"), leaf)
    put(tree, ("list", "y", "k"), leaf)
    put(tree, ("n", "m", "k"), leaf)
    assert isinstance(tree.entries["a"], Leaf)
    b, n = tree.entries["b"], tree.entries["n"]
    assert isinstance(b, Branch)
    assert b.entries["c"] is leaf
    assert isinstance(n, Branch)
    assert "entries={'k': Leaf" in repr(n)
    assert repr(tree.entries["list"]).count("'k'") == 2  # its entry and the place of its key


def test_arguments_as_nodes() -> None:
    found = dict(tree_of({"a.b": True, "c": {"d": [1, "x"]}, "e": None, "f": 1.5}, Place("argument")))
    assert list(found) == [("a", "b"), ("c", "d"), ("e",), ("f",)]
    texts = [node.text for node in found.values() if isinstance(node, Leaf)]
    assert texts == ["true", None, "1.5"]


@pytest.mark.parametrize(("text", "token"), [("ENC[x]", True), ("ENC[]", True), ("xENC[x]", False), ("ENC[[x]", False)])
def test_what_is_a_token(text: str, token: bool) -> None:
    assert is_token(text) is token
