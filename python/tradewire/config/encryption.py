"""`ENC[...]` values: AES-256-GCM bound to the setting's path. Where keys come from is in `keys.py`.

A token is `ENC[v1:KEY-ID:bound:DATA]`, DATA being base64url of nonce (12 bytes), ciphertext and tag (16 bytes). With
it version, key id and path are authenticated, so that a value moved to another setting is refused. `unbound` values
have no path: whoever may write the file may move them, which is why live refuses them.
"""

from __future__ import annotations

import base64
import binascii
import os
import re
from collections.abc import Callable

from .keys import KeyRing

__all__ = ["decrypt", "encrypt", "is_unbound", "key_of"]

_TOKEN = re.compile(r"ENC\[v1:([0-9a-f]{8}):(bound|unbound):([A-Za-z0-9_-]+)\]")
_NONCE, _TAG = 12, 16


def encrypt(text: str, path: str | None, ring: KeyRing, random: Callable[[int], bytes] = os.urandom) -> str:
    """The token of a text, with the ring's active key.

    Args:
        text: what is secret.
        path: of the setting it is for; None: for any.
        ring: of keys.
        random: gives that many bytes, which never come again.
    """
    from cryptography.hazmat.primitives.ciphers.aead import AESGCM

    key, nonce = ring.active, random(_NONCE)
    sealed = AESGCM(key.raw).encrypt(nonce, text.encode("utf-8", "surrogatepass"), _authenticated(key.id, path))
    data = base64.urlsafe_b64encode(nonce + sealed).rstrip(b"=").decode()
    return f"ENC[v1:{key.id}:{'unbound' if path is None else 'bound'}:{data}]"


def decrypt(token: str, path: str, ring: KeyRing) -> str:
    """The text of a token at a path.

    Raises:
        ValueError: another path, another key, or anything about it was changed; the text never shows a value.
    """
    from cryptography.exceptions import InvalidTag
    from cryptography.hazmat.primitives.ciphers.aead import AESGCM

    found = _TOKEN.fullmatch(token)
    if found is None:
        raise ValueError("must be ENC[v1:...] as `tradewire config encrypt` writes it")
    key = ring.find(found[1])
    if key is None:
        raise ValueError(
            f"is encrypted with key {found[1]}, which is not here (here: {', '.join(k.id for k in ring.keys)})"
        )
    data = _bytes(found[3])
    if data is None or len(data) < _NONCE + _TAG:
        raise ValueError(f"was changed or cut: {_anew(path)}")
    aad = _authenticated(key.id, None if found[2] == "unbound" else path)
    try:
        return AESGCM(key.raw).decrypt(data[:_NONCE], data[_NONCE:], aad).decode("utf-8", "surrogatepass")
    except (InvalidTag, UnicodeDecodeError):
        raise ValueError(f"was changed, or encrypted for another setting: {_anew(path)}") from None


def is_unbound(token: str) -> bool:
    """Whether a token is bound to no path."""
    found = _TOKEN.fullmatch(token)
    return found is not None and found[2] == "unbound"


def key_of(token: str) -> str:
    """The id of the key that a token needs; empty for what is no token."""
    found = _TOKEN.fullmatch(token)
    return "" if found is None else found[1]


def _anew(path: str) -> str:
    return f"encrypt the value anew with `tradewire config encrypt FILE --path {path}`, and write what that prints here"


def _authenticated(key_id: str, path: str | None) -> bytes:
    return f"v1|{key_id}|unbound|".encode() if path is None else f"v1|{key_id}|bound|{path}".encode()


def _bytes(text: str) -> bytes | None:
    """Strict: one text per value, so that a changed last character cannot pass."""
    try:
        data = base64.b64decode(text + "=" * (-len(text) % 4), altchars=b"-_", validate=True)
    except (binascii.Error, ValueError):
        return None
    return data if base64.urlsafe_b64encode(data).rstrip(b"=").decode() == text else None
