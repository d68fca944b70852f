"""No credential leaves a handler, whoever logs it and however."""

from __future__ import annotations

import io
import json
import logging
from collections.abc import Iterator

import pytest

from tradewire import Secret
from tradewire.telemetry.redaction import RedactingFilter, redacted

CANARY = "cAnArY0123456789abcdef/+="


class Log:
    def __init__(self) -> None:
        self.stream = io.StringIO()
        self.handler = logging.StreamHandler(self.stream)
        self.handler.setFormatter(logging.Formatter("%(message)s"))
        self.handler.addFilter(RedactingFilter())
        self.logger = logging.getLogger("somebody.elses.library")
        self.logger.setLevel(logging.DEBUG)
        self.logger.addHandler(self.handler)
        self.logger.propagate = False

    @property
    def text(self) -> str:
        return self.stream.getvalue()


@pytest.fixture
def log() -> Iterator[Log]:
    found = Log()
    yield found
    found.logger.removeHandler(found.handler)
    found.logger.propagate = True


@pytest.mark.parametrize(
    "text",
    [
        f"GET https://fapi.binance.com/fapi/v1/order?symbol=BTCUSDT&timestamp=1&signature={CANARY}",
        f"GET /x?signature={CANARY}&symbol=BTCUSDT",
        f"X-MBX-APIKEY: {CANARY}",
        f"> x-mbx-apikey: {CANARY}\r\n> Host: x",
        f"{{'X-MBX-APIKEY': '{CANARY}', 'Accept': '*/*'}}",
        f"[(b'APCA-API-KEY-ID', b'{CANARY}'), (b'Host', b'x')]",
        f"APCA-API-SECRET-KEY={CANARY}",
        f"<CIMultiDict('APCA-API-SECRET-KEY': '{CANARY}')>",
        f"Authorization: Bearer {CANARY}",
        f"Authorization: Token {CANARY}",
        f'"Authorization": "Token {CANARY} and {CANARY}"',
        f"sent with Token {CANARY}",
        json.dumps({"action": "auth", "key": "x", "secret": CANARY}),
        json.dumps(json.dumps({"apiKey": CANARY, "signature": CANARY})),
        f"ExchangeConfig(name='B', api_key='{CANARY}', api_secret=\"{CANARY}\")",
        f"BINANCE_API_SECRET={CANARY}",
        f"config.exchanges.api_key={CANARY}",
        f"config.exchanges.api_key: '{CANARY}'",
        f"{{api_key:{CANARY}}}",
        f"export ALPACA_SECRET_KEY='{CANARY} {CANARY}'",
        f"password = {CANARY}; user = x",
        f"redis://user:{CANARY.replace('/', '')}@localhost:6379/0",
        f"-----BEGIN PRIVATE KEY-----\n{CANARY}\n-----END PRIVATE KEY-----",
        f"-----BEGIN EC PRIVATE KEY-----\n{CANARY}",
        f"Set-Cookie: a=b; session={CANARY}",
        f"listenKey={CANARY}",
        f"--token={CANARY}",
        f'{{"accessToken": "{CANARY}"}}',
        f"x-amz-security-token: {CANARY}",
        f"MY_OWN_BINANCE_API_KEY={CANARY}",
        json.dumps({"action": "auth", "key": CANARY}),
        json.dumps(json.dumps({"key": CANARY})),
        f'> TEXT \'{{"key":"{CANARY}"}}\' [43 bytes]',
        f"{{'action': 'auth', 'key': '{CANARY}'}}",
        f"GET /ws?key={CANARY}&x=1",
        f"GET /ws?x=1&auth={CANARY}",
        f"?access_key={CANARY}",
        f"X-Auth-Key: {CANARY}",
        f"sig={CANARY}",
        json.dumps({"op": "login", "args": [{"apiKey": "k", "sign": CANARY}]}),
        f"wss://{CANARY.replace('/', '')}@host/ws",
    ],
)
def test_credentials_are_masked(text: str) -> None:
    cleaned = redacted(text)
    assert CANARY not in cleaned
    assert CANARY[:12] not in cleaned
    assert "***" in cleaned
    assert redacted(cleaned) == cleaned, "cleaning twice changes nothing"


@pytest.mark.parametrize(
    "text",
    [
        "binance public: connected",
        "GET https://fapi.binance.com/fapi/v1/depth?symbol=BTCUSDT&limit=1000",
        "token bucket empty, waiting 3 ms",
        "the signature was refused (code -1022)",
        "key 1a2b3c4d encrypts",
        "c.yaml:3: apis.a.credentials.api_key: $ALPACA_API_KEY is not set, or write ${ALPACA_API_KEY:-a default}",
        "$TRADING_HEALTH_API_TOKEN: streaming_health.api.token: must be a text",
        "set a token beside it (token: ${HEALTH_TOKEN}, 32 random characters or more)",
        "quotes of BTCUSDT: stale for 12.0 s",
        "a basic authentication",
        "the key: sorted by 'key', 'name'; sign: minus; auth: done",
        "KeyError: 'key'",
        '{"op": "auth", "keys": 3}',
        "me@example.com asks for 1 key",
    ],
)
def test_everything_else_stays(text: str) -> None:
    assert redacted(text) == text


def test_what_stands_beside_stays() -> None:
    assert redacted("GET /x?a=1&signature=abc&b=2 200") == "GET /x?a=1&signature=***&b=2 200"
    assert redacted('{"secret": "abc", "n": 1}') == '{"secret": "***", "n": 1}'


def test_arguments_are_cleaned(log: Log) -> None:
    log.logger.info("calling %s with %r", f"/x?signature={CANARY}", {"X-MBX-APIKEY": CANARY})
    assert CANARY not in log.text
    assert log.text == "calling /x?signature=*** with {'X-MBX-APIKEY': '***'}\n"


def test_tracebacks_are_cleaned(log: Log) -> None:
    try:
        raise ValueError(f"Authorization: Bearer {CANARY}")
    except ValueError:
        log.logger.exception("failed")
    assert CANARY not in log.text
    assert "Traceback (most recent call last)" in log.text
    assert "ValueError: Authorization: ***" in log.text


def test_a_stack_is_cleaned(log: Log) -> None:
    record = logging.makeLogRecord({"msg": "x", "stack_info": f"password={CANARY}"})
    log.handler.handle(record)
    assert CANARY not in log.text


def test_a_formatter_of_its_own_gets_no_exception_to_format(log: Log) -> None:
    seen: list[logging.LogRecord] = []

    class Own(logging.Formatter):
        def format(self, record: logging.LogRecord) -> str:
            seen.append(record)
            return "own"

    log.handler.setFormatter(Own())
    try:
        raise ValueError(CANARY)
    except ValueError:
        log.logger.exception("failed")
    assert seen[0].exc_info is None


def test_attributes_are_let_through_by_name(log: Log) -> None:
    log.handler.setFormatter(logging.Formatter("%(venue)s %(count)s %(reason)s %(headers)s"))
    more = {"venue": "binance", "count": 3, "reason": f"signature={CANARY}", "headers": CANARY}
    log.logger.info("x", extra=more)
    assert log.text == "binance 3 signature=*** ***\n"


def test_arguments_that_do_not_fit_are_not_shown(log: Log, capsys: pytest.CaptureFixture[str]) -> None:
    log.logger.info("%s %s", CANARY)  # noqa: PLE1206 - a mistake of whoever logs
    log.logger.info("%d", CANARY)
    log.logger.info("%(x)s", {"y": CANARY})
    assert CANARY not in log.text
    assert log.text.count("do not fit") == 3
    assert CANARY not in capsys.readouterr().err


def test_a_secret_in_a_message_stays_readable(log: Log) -> None:
    log.logger.info("api_key=%s", Secret(CANARY))
    assert log.text == "api_key=***\n"


def test_a_long_line_takes_no_time_to_speak_of() -> None:
    """Patterns without a quadratic case: these run in milliseconds, or the time limit of the test ends them."""
    for text in (
        "a" * 300_000,
        "a_" * 150_000,
        'secret="' * 40_000,
        "token " * 50_000,
        "x://" * 50_000,
        "-----BEGIN " * 30_000,
    ):
        redacted(text)
