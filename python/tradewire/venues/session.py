"""The conversation on one streaming connection: authentication, subscriptions, answers. Sans-I/O, made anew for each.

Not for market data: the field plan reads that. A session sees only what the plan takes for Control messages.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol, TypeAlias

__all__ = ["Broken", "Ending", "Outcome", "Ready", "Refused", "Reply", "Settled", "StreamSession", "framed"]


@dataclass(frozen=True, slots=True)
class Reply:
    """A message to send now; it may hold credentials and is never logged."""

    payload: bytes

    def __repr__(self) -> str:
        return f"Reply({len(self.payload)} bytes)"


@dataclass(frozen=True, slots=True)
class Ready:
    """Authenticated: subscriptions may be sent."""


@dataclass(frozen=True, slots=True)
class Settled:
    """A request was granted.

    Attributes:
        request_id: of the request.
        missing: those of its streams that the venue left out without a word.
    """

    request_id: int
    missing: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Refused:
    """A request was refused; the same request on this connection would be refused again.

    Attributes:
        request_id: of the request.
        code: the venue's error code.
        message: the venue's words.
    """

    request_id: int
    code: int
    message: str


@dataclass(frozen=True, slots=True)
class Ending:
    """The venue is going to end this connection soon; another one should take its place.

    Attributes:
        reason: in words.
    """

    reason: str


@dataclass(frozen=True, slots=True)
class Broken:
    """This connection is of no use any more.

    Attributes:
        message: the venue's words.
        code: the venue's error code.
        fatal: a new connection would end the same way (wrong credentials, missing subscription plan): a person has to
            look, and the next attempts are made at the longest distance.
    """

    message: str
    code: int
    fatal: bool


Outcome: TypeAlias = Reply | Ready | Settled | Refused | Ending | Broken


class StreamSession(Protocol):
    """One connection's conversation, as the venue sheet writes it. The link owns it; no clock, no I/O.

    `opened`, `subscribe` and `unsubscribe` raise `RejectedError` where a custom provider's hook gives no message.

    Attributes:
        headers: of the upgrade request; values may be secret.
        binary: whether messages that are bytes are sent in binary frames. Those that are str never are.
        ready: whether subscriptions may be sent.
        acknowledges: whether requests are answered; where not, what is asked for counts as granted.
    """

    @property
    def headers(self) -> Mapping[str, str]: ...  # noqa: D102 - above
    @property
    def binary(self) -> bool: ...  # noqa: D102 - above
    @property
    def ready(self) -> bool: ...  # noqa: D102 - above
    @property
    def acknowledges(self) -> bool: ...  # noqa: D102 - above

    def opened(self) -> Sequence[bytes | str]:
        """What to send as soon as the connection is open."""

    def subscribe(self, streams: Sequence[str], request_id: int) -> Sequence[bytes | str]:
        """Messages that ask for streams. `request_id` is unique on the connection; the answer's outcome names it."""

    def unsubscribe(self, streams: Sequence[str], request_id: int) -> Sequence[bytes | str]:
        """Messages that take streams back; none where the venue has no way to."""

    def take(self, payload: bytes) -> Sequence[Outcome]:
        """Reads one message of the venue that is no market data; empty for those that mean nothing here."""

    def ban_ends_ms(self, refusal: bytes) -> int | None:
        """When a ban ends, ms since 1970, where the body of a refused handshake says so."""


def framed(session: StreamSession, message: bytes | str) -> tuple[bytes, bool]:
    """The payload of a message of a session, and whether it goes into a binary frame."""
    return (message.encode(), False) if isinstance(message, str) else (message, session.binary)
