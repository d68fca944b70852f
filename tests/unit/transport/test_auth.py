"""Credentials."""

from __future__ import annotations

import dataclasses

from tradewire.transport.auth import Credential


def test_a_credential_is_fixed() -> None:
    assert [field.name for field in dataclasses.fields(Credential)] == ["api_key", "secret_key"]
