"""The conversation as the venue sheet writes it (sections 3.1 and 3.7), in both codecs."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from tradewire import Secret
from tradewire.errors import MissingCredentialError, UnsupportedError
from tradewire.transport.auth import Credential
from tradewire.venues.alpaca.session import AlpacaSession
from tradewire.venues.session import Broken, Outcome, Ready, Refused, Reply, Settled

KEY = Credential(Secret("PK1"), Secret("hush"))
TOKEN = Credential(Secret("hush"), method="bearer")
CODECS = {"json": msgspec.json, "msgpack": msgspec.msgpack}


class Talk:
    """A session and the venue's side of it."""

    def __init__(self, codec: str = "json", credential: Credential | None = KEY) -> None:
        self.session = AlpacaSession(credential, codec)
        self.codec: Any = CODECS[codec]

    def says(self, *messages: dict[str, Any]) -> list[Outcome]:
        return list(self.session.take(self.codec.encode(list(messages))))

    def fails(self, code: int, text: str = "words") -> list[Outcome]:
        return self.says({"T": "error", "code": code, "msg": text})

    def read(self, payload: bytes) -> Any:
        return self.codec.decode(payload)

    def log_in(self) -> Talk:
        self.says({"T": "success", "msg": "connected"})
        self.says({"T": "success", "msg": "authenticated"})
        return self


@pytest.fixture(params=CODECS)
def talk(request: pytest.FixtureRequest) -> Talk:
    return Talk(request.param)


def test_the_handshake(talk: Talk) -> None:
    assert not talk.session.ready
    assert talk.session.opened() == ()
    (reply,) = talk.says({"T": "success", "msg": "connected"})
    assert isinstance(reply, Reply)
    assert talk.read(reply.payload) == {"action": "auth", "key": "PK1", "secret": "hush"}
    assert not talk.session.ready
    assert talk.says({"T": "success", "msg": "authenticated"}) == [Ready()]
    assert talk.session.ready


def test_a_token_is_shown_as_such() -> None:
    (reply,) = Talk(credential=TOKEN).says({"T": "success", "msg": "connected"})
    assert isinstance(reply, Reply)
    assert msgspec.json.decode(reply.payload) == {"action": "auth", "key": "oauth", "secret": "hush"}


@pytest.mark.parametrize(("codec", "binary"), [("json", False), ("msgpack", True)])
def test_the_codec_is_a_header_of_the_upgrade(codec: str, binary: bool) -> None:
    session = AlpacaSession(KEY, codec)
    assert session.headers == {"Content-Type": f"application/{codec}"}
    assert session.binary is binary


def test_what_cannot_log_in_is_refused_at_once() -> None:
    with pytest.raises(MissingCredentialError, match="set ALPACA_API_KEY and ALPACA_SECRET_KEY"):
        AlpacaSession(None)
    with pytest.raises(MissingCredentialError, match="set ALPACA_SECRET_KEY"):
        AlpacaSession(Credential(Secret("PK1")))
    with pytest.raises(UnsupportedError, match="codec must be json or msgpack, was 'xml'"):
        AlpacaSession(KEY, "xml")


def test_no_secret_shows() -> None:
    talk = Talk()
    (reply,) = talk.says({"T": "success", "msg": "connected"})
    assert "hush" not in repr(reply) + repr(talk.session) + repr(vars(talk.session))


def test_requests_are_grouped_by_channel(talk: Talk) -> None:
    streams = ["AAPL@trades", "MSFT@trades", "AAPL@quotes", "SPY@updatedBars", "BTC/USD@orderbooks"]
    (request,) = talk.session.subscribe(streams, 1)
    assert talk.read(request) == {
        "action": "subscribe",
        "trades": ["AAPL", "MSFT"],
        "quotes": ["AAPL"],
        "bars": ["SPY"],
        "updatedBars": ["SPY"],
        "orderbooks": ["BTC/USD"],
    }
    (request,) = talk.session.unsubscribe(["AAPL@trades"], 2)
    assert talk.read(request) == {"action": "unsubscribe", "trades": ["AAPL"]}


def test_halts_bands_and_imbalances_are_asked_for_and_looked_for_in_the_answer(talk: Talk) -> None:
    talk.log_in()
    (request,) = talk.session.subscribe(["AAPL@statuses", "AAPL@lulds", "MSFT@imbalances"], 3)
    lists = {"statuses": ["AAPL"], "lulds": ["AAPL"], "imbalances": ["MSFT"]}
    assert talk.read(request) == {"action": "subscribe", **lists}
    assert talk.says({"T": "subscription", **lists}) == [Settled(3)]
    talk.session.subscribe(["MSFT@lulds", "MSFT@statuses"], 4)
    lists["statuses"].append("MSFT")
    assert talk.says({"T": "subscription", **lists}) == [Settled(4, ("MSFT@lulds",))]


def test_corrections_and_cancellations_are_asked_for_by_their_trades(talk: Talk) -> None:
    talk.log_in()
    (request,) = talk.session.subscribe(["AAPL@corrections", "AAPL@cancelErrors", "MSFT@corrections"], 3)
    assert talk.read(request) == {"action": "subscribe", "trades": ["AAPL", "MSFT"]}
    answer = {"T": "subscription", "trades": ["AAPL"], "corrections": ["AAPL"], "cancelErrors": ["AAPL"]}
    assert talk.says(answer) == [Settled(3, ("MSFT@corrections",))]
    talk.session.subscribe(["AAPL@trades"], 4)
    assert talk.says(answer) == [Settled(4)]
    # Nothing may be taken from those who stay.
    (request,) = talk.session.unsubscribe(["AAPL@trades", "AAPL@corrections"], 5)
    assert talk.read(request) == {"action": "subscribe", "trades": ["AAPL"]}
    assert talk.says(answer) == [Settled(5)]
    (request,) = talk.session.unsubscribe(["AAPL@cancelErrors"], 6)
    assert talk.read(request) == {"action": "unsubscribe", "trades": ["AAPL"]}
    assert talk.says({"T": "subscription", "trades": []}) == [Settled(6)]


def test_what_was_refused_keeps_nothing(talk: Talk) -> None:
    talk.log_in()
    talk.session.subscribe(["AAPL@trades"], 3)
    assert talk.says({"T": "subscription", "trades": ["AAPL"]}) == [Settled(3)]
    talk.session.subscribe(["AAPL@corrections", "ZZZZ@corrections"], 4)
    talk.fails(405)
    (request,) = talk.session.unsubscribe(["AAPL@trades"], 5)
    assert talk.read(request) == {"action": "unsubscribe", "trades": ["AAPL"]}


def test_answers_come_in_the_order_of_requests_and_hold_everything(talk: Talk) -> None:
    talk.log_in()
    talk.session.subscribe(["AAPL@trades", "AMD@quotes"], 7)
    talk.session.subscribe(["SPY@bars"], 8)
    talk.session.unsubscribe(["AAPL@trades"], 9)
    lists = {"trades": ["AAPL"], "quotes": ["AMD"], "corrections": ["AAPL"], "cancelErrors": ["AAPL"]}
    assert talk.says({"T": "subscription", **lists}) == [Settled(7)]
    assert talk.says({"T": "subscription", **lists, "bars": ["SPY"], "lulds": []}) == [Settled(8)]
    assert talk.says({"T": "subscription", "quotes": ["AMD"], "bars": ["SPY"]}) == [Settled(9)]
    assert talk.says({"T": "subscription", "quotes": ["AMD"]}) == []


def test_what_is_not_in_the_answer_was_not_subscribed(talk: Talk) -> None:
    talk.log_in()
    talk.session.subscribe(["AAPL@trades", "ZZZZ@trades", "SPY@updatedBars"], 7)
    assert talk.says({"T": "subscription", "trades": ["AAPL"], "bars": ["SPY"], "updatedBars": None}) == [
        Settled(7, ("ZZZZ@trades", "SPY@updatedBars"))
    ]


@pytest.mark.parametrize("code", [402, 408, 409, 411, 412])
def test_errors_that_a_person_must_mend(talk: Talk, code: int) -> None:
    (broken,) = talk.fails(code)
    assert isinstance(broken, Broken)
    assert (broken.code, broken.fatal) == (code, True)
    assert broken.message.startswith("words: ")


@pytest.mark.parametrize("code", [401, 404, 406, 407, 500])
def test_errors_that_pass(talk: Talk, code: int) -> None:
    (broken,) = talk.log_in().fails(code)
    assert isinstance(broken, Broken)
    assert (broken.code, broken.fatal) == (code, False)


@pytest.mark.parametrize("code", [400, 405, 410, 413, 499])
def test_errors_that_refuse_the_oldest_request(talk: Talk, code: int) -> None:
    talk.log_in()
    talk.session.subscribe(["AAPL@trades"], 7)
    talk.session.subscribe(["MSFT@trades"], 8)
    (refused,) = talk.fails(code)
    assert isinstance(refused, Refused)
    assert (refused.request_id, refused.code) == (7, code)
    assert talk.says({"T": "subscription", "trades": ["MSFT"]}) == [Settled(8)]


def test_a_refusal_that_answers_nothing_is_told_all_the_same(talk: Talk) -> None:
    assert talk.log_in().fails(499) == [Refused(0, 499, "words")]


def test_the_login_itself_may_be_malformed(talk: Talk) -> None:
    talk.says({"T": "success", "msg": "connected"})
    (broken,) = talk.fails(400, "invalid syntax")
    assert isinstance(broken, Broken)
    assert broken.fatal
    (unknown,) = talk.fails(499)
    assert isinstance(unknown, Broken)
    assert not unknown.fatal


def test_logging_in_twice_is_harmless(talk: Talk) -> None:
    assert talk.log_in().fails(403, "already authenticated") == []


def test_msgpack_is_named_where_it_is_wanted() -> None:
    (broken,) = Talk().fails(412, "option messages are only available in MsgPack format")
    assert isinstance(broken, Broken)
    assert broken.message.endswith("MsgPack format: use codec msgpack")


@pytest.mark.parametrize(
    "payload", [b"", b"no json", b"{}", b"[1]", b'[{"T":7}]', b'[{"T":"subscription","trades":[1]}]', b"\xc1"]
)
def test_what_is_no_message_means_nothing(talk: Talk, payload: bytes) -> None:
    assert talk.session.take(payload) == ()


def test_market_data_beside_a_message_is_passed_over(talk: Talk) -> None:
    data = {"T": "t", "S": "AAPL", "i": 1, "p": 1.5, "s": 1, "c": ["@"]}
    assert talk.says(data, {"T": "success", "msg": "authenticated"}, data) == [Ready()]
