"""How keys are shown to Alpaca."""

from __future__ import annotations

import pytest

from tradewire import Secret
from tradewire.errors import MissingCredentialError
from tradewire.transport.auth import AuthManager, Credential
from tradewire.venues.alpaca.auth import checked, rest_headers, stream_login


def test_keys_of_the_environment() -> None:
    environ = {"ALPACA_API_KEY": "PK1", "ALPACA_SECRET_KEY": "hush"}
    found = checked(AuthManager(environ=environ).credential("alpaca"))
    assert stream_login(found) == {"action": "auth", "key": "PK1", "secret": "hush"}
    assert rest_headers(found) == {"APCA-API-KEY-ID": "PK1", "APCA-API-SECRET-KEY": "hush"}


def test_a_token() -> None:
    token = checked(Credential(Secret("hush"), method="bearer"))
    assert stream_login(token) == {"action": "auth", "key": "oauth", "secret": "hush"}
    assert rest_headers(token) == {"Authorization": "Bearer hush"}


@pytest.mark.parametrize("credential", [None, Credential(Secret("PK1"))])
def test_half_a_key_is_none(credential: Credential | None) -> None:
    with pytest.raises(MissingCredentialError, match="ALPACA_SECRET_KEY"):
        checked(credential)
