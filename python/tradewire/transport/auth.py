"""Keys of venues: found by name in configuration or environment, given out as what requests need. Shows no secret.

Not for storing or encrypting them: `config` does that.
"""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal, get_args

from tradewire.config.secret import Secret
from tradewire.core import Signer
from tradewire.errors import MissingCredentialError, UnsupportedError

if TYPE_CHECKING:
    from tradewire.core.protocols import SignerProtocol

__all__ = ["AuthManager", "AuthMethod", "Credential"]

#: How requests prove who sends them: a key (and secret) as they are, a signature, or a token.
AuthMethod = Literal["api_key", "hmac", "ed25519", "bearer"]

_NAME = re.compile(r"[A-Za-z][A-Za-z0-9_-]*")
#: What the snapshot of the environment keeps; nothing else in it is our business.
_OURS = re.compile(r"[A-Z][A-Z0-9_]*_(API_KEY|SECRET_KEY|AUTH_METHOD)")
_PEM = "-----BEGIN "
_WHOLE_PEM = re.compile(r"-----BEGIN ([A-Z ]+)-----(.+?)-----END \1-----", re.DOTALL)
_FIELDS = ("api_key", "secret_key", "method")


@dataclass(frozen=True, slots=True)
class Credential:
    """One account's key at a venue.

    Attributes:
        api_key: names the account; with `bearer`, the token.
        secret_key: proves it; None where the method has none. With `ed25519`, the PEM text, however a variable carries
            it: with escaped line ends, all on one line, indented, with text around it.
        method: how requests use it.
    """

    api_key: Secret
    secret_key: Secret | None = None
    method: AuthMethod = "api_key"

    def headers(self, key_header: str, secret_header: str | None = None, *, scheme: str = "Bearer") -> dict[str, str]:
        """What a request sends, under the names of the venue; with `bearer`, `Authorization: <scheme> <token>`.

        Raises:
            UnsupportedError: the venue wants the secret sent, and there is none.
        """
        if self.method == "bearer":
            return {"Authorization": f"{scheme} {self.api_key.reveal()}"}
        found = {key_header: self.api_key.reveal()}
        if secret_header is not None:
            if self.secret_key is None:
                raise UnsupportedError(f"{secret_header} needs a secret key, and this credential has none")
            found[secret_header] = self.secret_key.reveal()
        return found

    def signer(self) -> SignerProtocol:
        """Signs requests with the secret key.

        Raises:
            UnsupportedError: a method that signs nothing.
            ValueError: the secret is no Ed25519 key, where it must be one.
        """
        if self.secret_key is None or self.method not in ("hmac", "ed25519"):
            raise UnsupportedError(f"a credential with method {self.method} signs nothing; use hmac or ed25519")
        if self.method == "ed25519":
            return _edwards(self.secret_key, "secret_key")
        return Signer.hmac(self.secret_key.reveal())


class AuthManager:
    """Finds credentials by name: first among the configured ones, then in the environment.

    The name is the venue's (`alpaca`: `ALPACA_API_KEY`, `ALPACA_SECRET_KEY`) or one's own, for several accounts at one
    venue (`binance-hedge`: `BINANCE_HEDGE_API_KEY`, ...). The method is what `method`, or `<NAME>_AUTH_METHOD`, says;
    else `ed25519` where the secret is a PEM text, `hmac` where there is a secret, `api_key` where there is none.

    The environment is read once, here: what is removed from it afterwards is still known.

    Args:
        credentials: name -> `Credential`, or mapping or object with `api_key`, `secret_key` and perhaps `method`, as
            in the configuration's `credentials`.
        environ: None: the process's.
    """

    def __init__(self, credentials: Mapping[str, Any] | None = None, environ: Mapping[str, str] | None = None) -> None:
        # Plain texts become secrets here, where nothing can fail: tracebacks with locals must not hold them.
        self._configured = {name: _guarded(value) for name, value in (credentials or {}).items()}
        source = os.environ if environ is None else environ
        self._environ = {name: Secret(value) for name, value in source.items() if value and _OURS.fullmatch(name)}

    def names(self) -> list[str]:
        """What credentials there are: configured names, and those of the environment in lower case."""
        suffix = "_API_KEY"
        found = {name.removesuffix(suffix).lower() for name in self._environ if name.endswith(suffix)}
        return sorted({*self._configured, *found})

    def credential(
        self,
        venue: str,
        name: str | None = None,
        method: AuthMethod | None = None,
        *,
        places: Mapping[str, str] | None = None,
    ) -> Credential:
        """The venue's credential, or the one of that name.

        Args:
            venue: whose.
            name: None: the venue's name.
            method: where it is known, as from the configuration's `auth_method`; None: found as said above.
            places: what errors call the `api_key`, `secret_key` and `method` of a configured one; None:
                `credentials.<name>.api_key` and so on.

        Raises:
            MissingCredentialError: there is none; says where it was looked for.
            ValueError, TypeError: one that cannot be used; says which field, never its value.
        """
        wanted = venue if name is None else name
        if not _NAME.fullmatch(wanted):
            raise ValueError(f"the name of a credential is letters, digits, _ and -, was {wanted[:40]!r}")
        configured = self._configured.get(wanted)
        if isinstance(configured, Credential):
            return configured
        given: Mapping[str, Any] = configured or {}
        variables = _variables(wanted)
        if given.get("api_key") is None and given.get("secret_key") is None:
            given = {field: self._environ.get(variable) for field, variable in variables.items()}
            where = variables
        else:
            where = dict(places or {field: f"credentials.{wanted}.{field}" for field in _FIELDS})
        api_key = _secret(given["api_key"], where["api_key"])
        secret_key = _secret(given["secret_key"], where["secret_key"], pem=True)
        if api_key is None:
            also = f" ({where['secret_key']} alone is not enough)" if secret_key is not None else ""
            raise MissingCredentialError(
                f"no credential {wanted!r} for {venue}: set {variables['api_key']} and {variables['secret_key']}, "
                f"or credentials.{wanted} in the configuration{also}"
            )
        told = given.get("method") if method is None else Secret(method)
        found = _method(told, secret_key, where["method"])
        if found == "ed25519" and secret_key is not None:
            # Here too, where the name of what holds it is known.
            _edwards(secret_key, where["secret_key"])
        return Credential(api_key, secret_key, found)


def _variables(name: str) -> dict[str, str]:
    prefix = name.upper().replace("-", "_")
    return {
        "api_key": f"{prefix}_API_KEY",
        "secret_key": f"{prefix}_SECRET_KEY",
        "method": f"{prefix}_AUTH_METHOD",
    }


def _guarded(value: Any) -> Credential | dict[str, Any]:
    if isinstance(value, Credential):
        return value
    is_mapping = isinstance(value, Mapping)
    found = {field: value.get(field) if is_mapping else getattr(value, field, None) for field in _FIELDS}
    return {field: Secret(each) if isinstance(each, str) else each for field, each in found.items()}


def _secret(value: object, where: str, *, pem: bool = False) -> Secret | None:
    if value is None:
        return None
    if not isinstance(value, Secret):
        raise TypeError(f"{where} must be a Secret or a text, was {type(value).__name__}")
    if not _usable(value.reveal(), pem):
        raise ValueError(f"{where} must be visible ASCII characters without spaces; look for a stray line end")
    return value


def _usable(text: str, pem: bool) -> bool:
    visible = text.isascii() and text.isprintable() and " " not in text
    return bool(text) and (visible or (pem and _PEM in text))


def _edwards(secret: Secret, where: str) -> SignerProtocol:
    try:
        return Signer.ed25519(_pem(secret).reveal())
    except ValueError:
        rule = "must be an unencrypted Ed25519 key in PKCS#8 PEM (openssl genpkey -algorithm ed25519)"
        raise ValueError(f"{where} {rule}") from None


def _pem(secret: Secret) -> Secret:
    """A PEM text as both signers read it; what is none stays as it is."""
    # docker --env-file, systemd and CI carry only variables of one line.
    found = _WHOLE_PEM.search(secret.reveal().replace("\\r", "").replace("\\n", "\n"))
    if found is None:
        return secret
    body = "".join(found[2].split())
    lines = (body[start : start + 64] for start in range(0, len(body), 64))
    return Secret("\n".join((f"-----BEGIN {found[1]}-----", *lines, f"-----END {found[1]}-----", "")))


def _method(value: Secret | None, secret_key: Secret | None, where: str) -> AuthMethod:
    if value is None:
        if secret_key is None:
            return "api_key"
        return "ed25519" if _PEM in secret_key.reveal() else "hmac"
    for method in get_args(AuthMethod):
        if value == Secret(method):
            if method in ("hmac", "ed25519") and secret_key is None:
                raise ValueError(f"{where} is {method}, which needs a secret key")
            found: AuthMethod = method
            return found
    raise ValueError(f"{where} must be one of {', '.join(get_args(AuthMethod))}")
