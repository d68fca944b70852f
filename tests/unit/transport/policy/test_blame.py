"""What a breaker counts and a pool ejects for."""

from __future__ import annotations

import pytest

from tradewire.errors import CircuitOpenError, FeedConnectionError, QueryError, RateLimitError, RejectedError
from tradewire.transport.policy.blame import speaks_against_peer


class ForeignError(Exception):
    """Of another library."""

    def __init__(self, status: object) -> None:
        super().__init__(status)
        self.status = status


@pytest.mark.parametrize(
    "error",
    [
        RejectedError("no such symbol"),
        RateLimitError("full"),
        QueryError("no book", 7.0, status=429),
        FeedConnectionError("refused", status=418),
        ForeignError(429),
    ],
)
def test_the_limiters_business_and_wrong_requests_do_not(error: Exception) -> None:
    assert not speaks_against_peer(error)


@pytest.mark.parametrize(
    "error",
    [
        OSError(),
        TimeoutError(),
        KeyError("x"),
        CircuitOpenError(1.0),
        QueryError("the answer is no JSON"),
        QueryError("no book", status=503),
        FeedConnectionError("gone"),
        ForeignError([429]),
    ],
)
def test_everything_else_does(error: Exception) -> None:
    assert speaks_against_peer(error)
