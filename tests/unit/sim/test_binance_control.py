"""Control messages: replies, error codes of the protocol sheet (2.2) and request targets (2.1)."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tradewire.sim.binance_control import TooManyStreams, answer, parse_target


class Names:
    """A subscriber that only remembers."""

    def __init__(self, limit: int = 1_024) -> None:
        self.combined = False
        self.names: list[str] = []
        self.limit = limit

    def subscribe(self, names: list[str]) -> bool:
        if len(self.names) + len(names) > self.limit:
            return False
        self.names += names
        return True

    def unsubscribe(self, names: list[str]) -> None:
        self.names = [name for name in self.names if name not in names]

    def subscriptions(self) -> list[str]:
        return self.names

    def set_combined(self, combined: bool) -> None:
        self.combined = combined


def _ask(names: Names, request: object) -> Any:
    return json.loads(answer(names, json.dumps(request)))


def test_conversation_of_the_sheet() -> None:
    names = Names()
    both = ["btcusdt@aggTrade", "btcusdt@markPrice@1s"]
    assert _ask(names, {"method": "SUBSCRIBE", "params": both, "id": 1}) == {"result": None, "id": 1}
    assert _ask(names, {"method": "UNSUBSCRIBE", "params": both[:1], "id": 312}) == {"result": None, "id": 312}
    assert _ask(names, {"method": "LIST_SUBSCRIPTIONS", "id": 3}) == {"result": both[1:], "id": 3}
    assert _ask(names, {"method": "SET_PROPERTY", "params": ["combined", True], "id": 5}) == {"result": None, "id": 5}
    assert _ask(names, {"method": "GET_PROPERTY", "params": ["combined"], "id": 2}) == {"result": True, "id": 2}


@pytest.mark.parametrize(
    ("request_text", "code"),
    [
        ('{"method":"GET_PROPERTY","params":["speed"],"id":1}', 0),
        ('{"method":"SET_PROPERTY","params":["speed",true],"id":1}', 0),
        ('{"method":"SET_PROPERTY","params":["combined","yes"],"id":1}', 1),
        ('{"method":"SET_PROPERTY","params":["combined",1],"id":1}', 1),
        ('{"method":"SET_PROPERTY","params":["combined"],"id":1}', 1),
        ('{"method":"GET_PROPERTY","params":[7],"id":1}', 2),
        ('{"method":"GET_PROPERTY","params":[],"id":1}', 2),
        ('{"method":"GET_PROPERTY","params":["combined","x"],"id":1}', 2),
        ('{"method":"SET_PROPERTY","params":["combined",true,1],"id":1}', 2),
        ('{"method":"SUBSCRIBE","params":["a"],"id":-1}', 2),
        ('{"method":"SUBSCRIBE","params":["a"],"id":"1"}', 2),
        ('{"method":"SUBSCRIBE","params":["a"],"id":1.5}', 2),
        ('{"method":"SUBSCRIBE","params":["a"],"id":true}', 2),
        ('{"method":"SUBSCRIBE","params":["a"]}', 2),
        ('{"method":"SUBSCRIBE","params":[1],"id":1}', 2),
        ('{"method":"SUBSCRIBE","params":"a","id":1}', 2),
        ('{"method":"SHOUT","id":1}', 2),
        ('{"method":["SUBSCRIBE"],"id":1}', 2),
        ('{"id":1}', 2),
        ("[]", 2),
        ("7", 2),
        ("{", 3),
        ("", 3),
        ("hello", 3),
        ("[" * 100_000, 3),
    ],
)
def test_error_codes(request_text: str, code: int) -> None:
    names = Names()
    reply = json.loads(answer(names, request_text))
    assert reply["error"]["code"] == code
    assert reply["error"]["msg"]
    assert reply.get("id", 1) == 1
    assert names.names == []


def test_error_carries_the_id_it_understood() -> None:
    assert _ask(Names(), {"method": "SHOUT", "id": 9})["id"] == 9
    assert "id" not in _ask(Names(), {"method": "SUBSCRIBE", "params": [], "id": "9"})


def test_too_many_streams_is_error_4() -> None:
    with pytest.raises(TooManyStreams) as caught:
        answer(Names(limit=2), '{"method":"SUBSCRIBE","params":["a","b","c"],"id":6}')
    assert json.loads(caught.value.reply) == {"error": {"code": 4, "msg": "Too many subscriptions"}, "id": 6}


@pytest.mark.parametrize(
    ("target", "expected"),
    [
        ("/public/ws/btcusdt@depth@100ms", ("public", False, ["btcusdt@depth@100ms"])),
        ("/market/ws/a@aggTrade/b@aggTrade", ("market", False, ["a@aggTrade", "b@aggTrade"])),
        ("/market/stream?streams=a@aggTrade/b@markPrice@1s", ("market", True, ["a@aggTrade", "b@markPrice@1s"])),
        ("/public/stream?streams=a%40trade%2Fb%40trade", ("public", True, ["a@trade", "b@trade"])),
        ("/public/ws/%E5%B8%81usdt@trade", ("public", False, ["币usdt@trade"])),
        ("/public/stream", ("public", True, [])),
        ("/public/ws", ("public", False, [])),
        ("/ws/btcusdt@trade", ("public", False, ["btcusdt@trade"])),
        ("/stream?streams=btcusdt@trade", ("public", True, ["btcusdt@trade"])),
        ("/private/ws/someListenKey", ("private", False, ["someListenKey"])),
        ("/private/ws?listenKey=k&events=ORDER_TRADE_UPDATE", ("private", False, [])),
        ("/", None),
        ("/public", None),
        ("/public/stream/x", None),
        ("/other/ws/btcusdt@trade", None),
    ],
)
def test_request_targets(target: str, expected: tuple[str, bool, list[str]] | None) -> None:
    assert parse_target(target) == expected


@pytest.mark.parametrize("request_id", [0, -7, 2**63 - 1, "x" * 36, "", None])
def test_ids_of_spot(request_id: object) -> None:
    reply = json.loads(answer(Names(), json.dumps({"method": "LIST_SUBSCRIPTIONS", "id": request_id}), free_ids=True))
    assert reply["result"] == []
    assert reply.get("id") == request_id


@pytest.mark.parametrize("request_id", [2**63, "x" * 37, 1.5, True, []])
def test_ids_that_spot_refuses(request_id: object) -> None:
    reply = json.loads(answer(Names(), json.dumps({"method": "LIST_SUBSCRIPTIONS", "id": request_id}), free_ids=True))
    assert reply["error"]["code"] == 2


def test_targets_without_routes() -> None:
    assert parse_target("/ws/btcusdt@trade", routed=False) == ("", False, ["btcusdt@trade"])
    assert parse_target("/stream?streams=a@trade/b@trade", routed=False) == ("", True, ["a@trade", "b@trade"])
    assert parse_target("/public/ws/btcusdt@trade", routed=False) is None
