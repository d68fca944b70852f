"""How Alpaca wants to be shown a key: on streams in a message, in REST calls as headers (venue sheet sections 2, 3.1).

Where keys come from is `transport.auth`'s matter.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from tradewire.errors import MissingCredentialError

if TYPE_CHECKING:
    from tradewire.transport.auth import Credential

__all__ = ["checked", "rest_headers", "stream_login"]


def checked(credential: Credential | None) -> Credential:
    """A credential that Alpaca can use: a key with its secret, or a token.

    Raises:
        MissingCredentialError: none, or a key alone.
    """
    if credential is None:
        raise MissingCredentialError("Alpaca asks for a key: set ALPACA_API_KEY and ALPACA_SECRET_KEY")
    if credential.method != "bearer" and credential.secret_key is None:
        raise MissingCredentialError("Alpaca asks for the key's secret as well: set ALPACA_SECRET_KEY")
    return credential


def stream_login(credential: Credential) -> dict[str, str]:
    """The message that authenticates a stream; secret."""
    if credential.method == "bearer" or credential.secret_key is None:
        return {"action": "auth", "key": "oauth", "secret": credential.api_key.reveal()}
    return {"action": "auth", "key": credential.api_key.reveal(), "secret": credential.secret_key.reveal()}


def rest_headers(credential: Credential) -> dict[str, str]:
    """What every REST call carries; secret."""
    return credential.headers("APCA-API-KEY-ID", "APCA-API-SECRET-KEY")
