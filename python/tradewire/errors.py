"""Every exception that tradewire raises, in one tree. Rust raises these same classes.

```text
TradewireError
├── RejectedError              the request is wrong; repeating it unchanged cannot help
│   ├── ConfigError            a configuration with problems, all of which it lists
│   ├── PlanError              a field plan or sequence rule that makes no sense
│   ├── UnsupportedError       a venue, stream or option that this installation does not know
│   ├── VenueRejectedError     a venue refused a request, with its own code
│   └── MissingCredentialError no key for a venue in the environment or the configuration
├── DecodeError                a message that is not what its plan says; the connection lives on
├── TransientError             may succeed when tried again
│   ├── FeedConnectionError    a market data connection could not be opened, or was lost
│   ├── CircuitOpenError       a circuit breaker refused the call; nothing was sent
│   ├── RateLimitError         a rate limit left no room in time; nothing was sent
│   ├── NoConnectionError      a pool had no connection to give; nothing was called
│   └── QueryError             a REST query got no usable answer
├── ProtocolError              the peer broke the WebSocket protocol; the connection is closed
└── StateError                 a call that this object cannot serve in its present state
```

Wrong types raise `TypeError` and values out of range `ValueError`, as everywhere in Python; their messages name the
field, the value and the allowed range.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from .config.problem import Problem

__all__ = [
    "CircuitOpenError",
    "ConfigError",
    "DecodeError",
    "FeedConnectionError",
    "MissingCredentialError",
    "NoConnectionError",
    "PlanError",
    "ProtocolError",
    "QueryError",
    "RateLimitError",
    "RejectedError",
    "StateError",
    "TradewireError",
    "TransientError",
    "UnsupportedError",
    "VenueRejectedError",
]


class TradewireError(Exception):
    """Base of all errors of this library."""


class RejectedError(TradewireError):
    """The request is wrong; repeating it unchanged cannot help."""


class ConfigError(RejectedError, ValueError):
    """A configuration with problems; the text lists them all, one a line. No secret is in it.

    Attributes:
        problems: each with file, line, path, value and what is allowed.
    """

    def __init__(self, problems: Sequence[Problem]) -> None:
        count = f"{len(problems)} problems in the configuration:\n" if len(problems) > 1 else ""
        super().__init__(count + "\n".join(map(str, problems)))
        self.problems = tuple(problems)

    def __reduce__(self) -> tuple[type[ConfigError], tuple[tuple[Problem, ...]]]:
        return (type(self), (self.problems,))


class PlanError(RejectedError, ValueError):
    """A field plan or sequence rule that makes no sense; the message names the shape and the field."""


class UnsupportedError(RejectedError, ValueError):
    """A venue, stream or option that this installation does not know."""


class MissingCredentialError(RejectedError, LookupError):
    """No key for a venue; the message names the environment variables and the configuration that were looked at."""


class VenueRejectedError(RejectedError):
    """A venue refused a request: the same one would be refused again.

    Attributes:
        venue: which.
        status: HTTP status.
        code: the venue's error code; None where it gave none.
        message: the venue's words.
    """

    def __init__(self, venue: str, status: int, code: int | None, message: str) -> None:
        super().__init__(f"{venue} refused the request: HTTP {status}, code {code}: {message}")
        self.venue = venue
        self.status = status
        self.code = code
        self.message = message

    def __reduce__(self) -> tuple[type[VenueRejectedError], tuple[str, int, int | None, str]]:
        return (type(self), (self.venue, self.status, self.code, self.message))


class DecodeError(TradewireError, ValueError):
    """A message that is not what its plan says. It is skipped and counted; the connection lives on.

    Attributes:
        venue: the plan's venue.
        channel: the channel of the shape that matched, else the caller's stream name, else `"?"`.
        offset: byte offset in the payload at which the problem was seen.
        reason: one of `tradewire.core.REASONS`.
        excerpt: the at most 64 bytes from 32 before the offset; printable ASCII, everything else as `.`.
    """

    def __init__(self, venue: str, channel: str, offset: int, reason: str, excerpt: str) -> None:
        super().__init__(f"{venue} {channel}: {reason} at byte {offset}, near {excerpt!r}")
        self.venue = venue
        self.channel = channel
        self.offset = offset
        self.reason = reason
        self.excerpt = excerpt

    def __reduce__(self) -> tuple[type[DecodeError], tuple[str, str, int, str, str]]:
        return (type(self), (self.venue, self.channel, self.offset, self.reason, self.excerpt))

    def __eq__(self, other: object) -> bool:
        return isinstance(other, DecodeError) and self.__reduce__() == other.__reduce__()

    def __hash__(self) -> int:
        return hash(self.__reduce__())


class TransientError(TradewireError):
    """May succeed when tried again."""


class FeedConnectionError(TransientError, ConnectionError):
    """A market data connection could not be opened, or was lost.

    Attributes:
        retry_after_s: how long the venue told us to stay away; None where it said nothing.
        status: of the HTTP answer that refused it; None: there was none.
        body: of that answer, as far as it was read; never part of the text.
    """

    def __init__(
        self, message: str, retry_after_s: float | None = None, *, status: int | None = None, body: bytes = b""
    ) -> None:
        super().__init__(message)
        self.retry_after_s = retry_after_s
        self.status = status
        self.body = body


class QueryError(TransientError):
    """A REST query got no usable answer; it may be asked again.

    Attributes:
        retry_after_s: how long the venue told us to stay away; None where it said nothing.
        status: of the HTTP answer; None: there was none, or it was not the status that was wrong.
    """

    def __init__(self, message: str, retry_after_s: float | None = None, *, status: int | None = None) -> None:
        super().__init__(message)
        self.retry_after_s = retry_after_s
        self.status = status


class CircuitOpenError(TransientError):
    """A circuit breaker refused the call; nothing was sent. Not a `ConnectionError`: no connection was tried.

    Attributes:
        retry_after_s: until asking again is worth it, at the latest.
        name: of the breaker.
    """

    def __init__(self, retry_after_s: float, name: str = "breaker") -> None:
        super().__init__(f"circuit breaker {name} is open; ask again in {retry_after_s:.3g} s")
        self.retry_after_s = retry_after_s
        self.name = name

    def __reduce__(self) -> tuple[type[CircuitOpenError], tuple[float, str]]:
        return (type(self), (self.retry_after_s, self.name))


class RateLimitError(TransientError):
    """A rate limit left no room in time; nothing was sent.

    Attributes:
        retry_after_s: until asking again is worth it, as far as it is known; else 0.
    """

    def __init__(self, message: str, retry_after_s: float = 0.0) -> None:
        super().__init__(message)
        self.retry_after_s = retry_after_s

    def __reduce__(self) -> tuple[type[RateLimitError], tuple[str, float]]:
        return (type(self), (str(self), self.retry_after_s))


class NoConnectionError(TransientError, ConnectionError):
    """A pool had no connection to give: none could be opened, or all stayed busy. The request was not made."""


class ProtocolError(TradewireError):
    """The peer broke the WebSocket protocol (RFC 6455); the connection is closed with `code`."""

    def __init__(self, code: int, reason: str) -> None:
        super().__init__(f"WebSocket protocol error, closing with {code}: {reason}")
        self.code = code
        self.reason = reason


class StateError(TradewireError, RuntimeError):
    """A call that this object cannot serve in its present state; the message says what to do first."""
