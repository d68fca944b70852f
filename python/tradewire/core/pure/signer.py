"""Signs requests with HMAC-SHA256 or Ed25519, and builds query strings, as what is signed must be what is sent.

Knows nothing of any venue. The key cannot be wiped from a Python process: that is for the native core.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import math
from collections.abc import Iterable, Iterator
from decimal import Decimal
from typing import Any, NoReturn, Protocol, SupportsIndex
from urllib.parse import quote

from .argument import integer

__all__ = ["Signer"]


class _Key(Protocol):
    algorithm: str

    def sign(self, payload: bytes) -> str: ...


class _HmacKey:
    """With the key's two blocks hashed already: each signature starts from a copy."""

    __slots__ = ("_prepared",)
    algorithm = "hmac-sha256"

    def __init__(self, secret: bytes) -> None:
        self._prepared = hmac.new(secret, digestmod=hashlib.sha256)

    def sign(self, payload: bytes) -> str:
        mac = self._prepared.copy()
        mac.update(payload)
        return mac.hexdigest()


class _Ed25519Key:
    __slots__ = ("_key",)
    algorithm = "ed25519"

    def __init__(self, pem: bytes) -> None:
        from cryptography.exceptions import UnsupportedAlgorithm
        from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
        from cryptography.hazmat.primitives.serialization import load_pem_private_key

        key: object = None
        # Raised outside the handler: an exception in the chain could hold a part of the key.
        try:
            if b"-----BEGIN PRIVATE KEY-----" in pem:
                key = load_pem_private_key(pem, password=None)
        except (ValueError, TypeError, UnsupportedAlgorithm):
            pass
        if not isinstance(key, Ed25519PrivateKey):
            raise ValueError("pem must be an unencrypted Ed25519 key in PKCS#8 PEM")
        self._key = key

    def sign(self, payload: bytes) -> str:
        return base64.b64encode(self._key.sign(payload)).decode()


def _key_bytes(value: str | bytes, name: str) -> bytes:
    if isinstance(value, bytes):
        return value
    if not isinstance(value, str):
        raise TypeError(f"{name} must be str or bytes, was {type(value).__name__}")
    # Not in a handler: UnicodeEncodeError holds the whole text, and would stay in the chain.
    if any("\ud800" <= character <= "\udfff" for character in value):
        raise ValueError(f"{name} must be valid text")
    return value.encode()


def _pairs(pairs: Iterable[Any]) -> Iterator[tuple[str, Any]]:
    for item in pairs:
        if not isinstance(item, tuple) or len(item) != 2:
            raise TypeError(f"pairs must be (name, value) tuples, was {type(item).__name__}")
        if not isinstance(item[0], str):
            raise TypeError(f"a parameter's name must be a string, was {type(item[0]).__name__}")
        yield item


def _text(name: str, value: Any) -> str:
    """A value as venues read it: numbers without an exponent, `true` and `false`."""
    if isinstance(value, str):
        return str.__str__(value)
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int):
        return int.__repr__(value)
    if not isinstance(value, float | Decimal):
        raise TypeError(f"{name} must be str, int, bool, float or Decimal, was {type(value).__name__}")
    if not math.isfinite(value):
        raise ValueError(f"{name} must be finite")
    if isinstance(value, Decimal):
        return format(value, "f")
    shortest = float.__repr__(value)
    return (format(Decimal(shortest), "f") if "e" in shortest else shortest).removesuffix(".0")


class Signer:
    """Signs requests; the key is never shown."""

    __slots__ = ("_key",)
    _key: _Key

    def __init__(self, secret: str | bytes) -> None:
        key = _key_bytes(secret, "secret")
        if not key:
            raise ValueError("secret must not be empty")
        self._key = _HmacKey(key)

    @classmethod
    def hmac(cls, secret: str | bytes) -> Signer:
        return cls(secret)

    @classmethod
    def ed25519(cls, pem: str | bytes) -> Signer:
        key = _Ed25519Key(_key_bytes(pem, "pem"))
        signer = cls.__new__(cls)
        signer._key = key
        return signer

    def sign(self, payload: bytes | str) -> str:
        if isinstance(payload, str):
            payload = payload.encode()
        elif not isinstance(payload, bytes):
            raise TypeError(f"payload must be bytes or str, was {type(payload).__name__}")
        return self._key.sign(payload)

    def sign_query(self, pairs: Iterable[tuple[str, Any]], timestamp_ms: SupportsIndex) -> bytes:
        timestamp_ms = integer(timestamp_ms, "timestamp_ms", 0, 2**63 - 1)
        parts = [f"{quote(name, safe='')}={quote(_text(name, value), safe='')}" for name, value in _pairs(pairs)]
        query = "&".join([*parts, f"timestamp={timestamp_ms}"]).encode()
        return query + b"&signature=" + quote(self._key.sign(query), safe="").encode()

    def sign_sorted(self, pairs: Iterable[tuple[str, Any]]) -> str:
        named = sorted([(name.encode(), name, value) for name, value in list(_pairs(pairs))], key=lambda item: item[0])
        return self._key.sign(b"&".join(encoded + b"=" + _text(name, value).encode() for encoded, name, value in named))

    def __repr__(self) -> str:
        return f"Signer({self._key.algorithm})"

    def __reduce__(self) -> NoReturn:
        raise TypeError("a Signer cannot be pickled or copied: its key stays where it is")
