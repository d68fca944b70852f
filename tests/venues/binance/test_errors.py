"""Which refusals blame the request, and which say to ask again."""

from __future__ import annotations

import pickle

import pytest

from tradewire.errors import QueryError, VenueRejectedError
from tradewire.venues.binance.errors import refusal


@pytest.mark.parametrize(
    ("status", "body", "code"),
    [
        (400, b'{"code":-1121,"msg":"Invalid symbol."}', -1121),
        (401, b'{"code":-2015,"msg":"Invalid API-key"}', -2015),
        (404, b"<html>", None),
        (451, b'{"code":0,"msg":"restricted location"}', 0),
        (400, b'{"code":-99999,"msg":"new one"}', -99999),
    ],
)
def test_the_request_is_wrong(status: int, body: bytes, code: int | None) -> None:
    error = refusal("binance", "book", status, body, None)
    assert isinstance(error, VenueRejectedError)
    assert (error.venue, error.status, error.code) == ("binance", status, code)
    copy = pickle.loads(pickle.dumps(error))  # noqa: S301 - our own bytes
    assert (str(copy), copy.message) == (str(error), error.message)


@pytest.mark.parametrize(
    ("status", "body"),
    [
        (400, b'{"code":-1003,"msg":"Too many"}'),
        (400, b'{"code":-1007,"msg":"Timeout"}'),
        (403, b"<html>firewall</html>"),
        (408, b'{"code":-1007,"msg":"Timeout"}'),
        (418, b'{"code":-1003,"msg":"banned"}'),
        (429, b'{"code":-1003,"msg":"Too many"}'),
        (503, b"\xff\xfe"),
        (302, b""),
    ],
)
def test_it_may_be_asked_again(status: int, body: bytes) -> None:
    error = refusal("binance", "book of X", status, body, 2.5)
    assert isinstance(error, QueryError)
    assert str(error).startswith(f"no book of X: HTTP {status}")
    assert error.retry_after_s == 2.5


def test_a_long_page_is_cut() -> None:
    assert len(str(refusal("binance", "book", 503, b"x" * 10_000, None))) < 300
