"""Credentials are found by name, used as the venue wants, and shown to nobody."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import logging
import traceback
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

import tradewire
from tradewire.config import Secret
from tradewire.errors import MissingCredentialError, RejectedError, UnsupportedError
from tradewire.transport import auth
from tradewire.transport.auth import AuthManager, Credential

CANARY = "canary-5d1f0c"
NAMES = ("X_API_KEY", "X_SECRET_KEY", "X_AUTH_METHOD")
ENVIRON = {
    "ALPACA_API_KEY": "PK1",
    "ALPACA_SECRET_KEY": CANARY,
    "BINANCE_HEDGE_API_KEY": "hedge",
    "NOBITEX_API_KEY": "token",
    "NOBITEX_AUTH_METHOD": "bearer",
    "HOME": "/nowhere",
    "EMPTY_API_KEY": "",
}


def _pem() -> tuple[str, Ed25519PrivateKey]:
    key = Ed25519PrivateKey.generate()
    text = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    return text.decode(), key


def native_signer() -> Any:
    return pytest.importorskip("tradewire.core._native").Signer


def pure_signer() -> Any:
    from tradewire.core.pure.signer import Signer

    return Signer


def test_from_the_environment() -> None:
    manager = AuthManager(environ=ENVIRON)
    alpaca = manager.credential("alpaca")
    assert (alpaca.api_key.reveal(), alpaca.secret_key, alpaca.method) == ("PK1", Secret(CANARY), "hmac")
    hedge = manager.credential("binance", "binance-hedge")
    assert (hedge.api_key.reveal(), hedge.secret_key, hedge.method) == ("hedge", None, "api_key")
    assert manager.names() == ["alpaca", "binance_hedge", "nobitex"]
    assert tradewire.AuthManager is AuthManager


def test_the_process_environment_is_read_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SOMEVENUE_API_KEY", "k")
    manager = AuthManager()
    monkeypatch.delenv("SOMEVENUE_API_KEY")
    assert manager.credential("somevenue").api_key == Secret("k")


@pytest.mark.parametrize("make", [dict, SimpleNamespace])
def test_configured_ones_win_and_there_may_be_several(make: Any) -> None:
    manager = AuthManager(
        {
            "alpaca": make(api_key=Secret("other"), secret_key=Secret("s")),
            "binance-spot": make(api_key="b", secret_key=CANARY, method="hmac"),
            "ready": Credential(Secret("r")),
        },
        ENVIRON,
    )
    assert manager.credential("alpaca").api_key.reveal() == "other"
    assert manager.credential("binance", "binance-spot").method == "hmac"
    assert manager.credential("x", "ready").api_key.reveal() == "r"


def test_as_the_configuration_gives_them() -> None:
    from tradewire.config import CredentialsConfig

    manager = AuthManager({"alpaca": CredentialsConfig(api_key=Secret("a"))}, {})
    assert manager.credential("alpaca") == Credential(Secret("a"), None, "api_key")
    with pytest.raises(MissingCredentialError):
        AuthManager({"alpaca": CredentialsConfig()}, {}).credential("alpaca")
    assert AuthManager({"alpaca": CredentialsConfig()}, ENVIRON).credential("alpaca").api_key == Secret("PK1")


def test_the_method_may_be_known_to_the_caller() -> None:
    manager = AuthManager(environ=ENVIRON)
    assert manager.credential("alpaca", method="bearer").headers("x") == {"Authorization": "Bearer PK1"}
    with pytest.raises(ValueError, match="BINANCE_HEDGE_AUTH_METHOD is hmac, which needs a secret key"):
        manager.credential("binance", "binance-hedge", "hmac")


def test_a_missing_one_says_where_to_put_it() -> None:
    with pytest.raises(MissingCredentialError) as caught:
        AuthManager(environ=ENVIRON).credential("binance")
    assert str(caught.value) == (
        "no credential 'binance' for binance: set BINANCE_API_KEY and BINANCE_SECRET_KEY, "
        "or credentials.binance in the configuration"
    )
    assert isinstance(caught.value, (LookupError, RejectedError))
    with pytest.raises(MissingCredentialError, match=r"\(X_SECRET_KEY alone is not enough\)"):
        AuthManager(environ={"X_SECRET_KEY": "s"}).credential("x")


@pytest.mark.parametrize(
    ("environ", "message"),
    [
        ({"X_API_KEY": f"{CANARY}\n"}, "X_API_KEY must be visible ASCII characters without spaces; look for a stray"),
        ({"X_API_KEY": f"{CANARY}\r\nHost: evil"}, "X_API_KEY must be visible"),
        ({"X_API_KEY": "k", "X_SECRET_KEY": f" {CANARY}"}, "X_SECRET_KEY must be visible"),
        ({"X_API_KEY": "k", "X_AUTH_METHOD": CANARY}, "X_AUTH_METHOD must be one of api_key, hmac, ed25519, bearer"),
        ({"X_API_KEY": CANARY, "X_AUTH_METHOD": "hmac"}, "X_AUTH_METHOD is hmac, which needs a secret key"),
    ],
)
def test_what_cannot_be_used_is_named_and_not_shown(environ: dict[str, str], message: str) -> None:
    with pytest.raises(ValueError, match=message) as caught:
        AuthManager(environ=environ).credential("x")
    frames = [frame for frame, _ in traceback.walk_tb(caught.value.__traceback__)]
    ours = [repr(frame.f_locals) for frame in frames if frame.f_code.co_filename == auth.__file__]
    assert ours
    assert not [text for text in (str(caught.value), *ours) if CANARY in text]
    configured = dict(zip(("api_key", "secret_key", "method"), (environ.get(name) for name in NAMES), strict=True))
    with pytest.raises(ValueError, match=r"credentials\.x\.") as caught:
        AuthManager({"x": configured}, {}).credential("x")
    frames = [frame for frame, _ in traceback.walk_tb(caught.value.__traceback__)]
    assert not [frame for frame in frames[1:] if CANARY in repr(frame.f_locals)]


def test_wrong_types_and_names() -> None:
    with pytest.raises(TypeError, match=r"credentials\.x\.api_key must be a Secret or a text, was int"):
        AuthManager({"x": {"api_key": 5}}, {}).credential("x")
    with pytest.raises(ValueError, match=r"the name of a credential is letters, digits, _ and -, was '\.\./x'"):
        AuthManager(environ={}).credential("../x")


def test_headers() -> None:
    manager = AuthManager(environ=ENVIRON)
    assert manager.credential("alpaca").headers("APCA-API-KEY-ID", "APCA-API-SECRET-KEY") == {
        "APCA-API-KEY-ID": "PK1",
        "APCA-API-SECRET-KEY": CANARY,
    }
    assert manager.credential("binance", "binance_hedge").headers("X-MBX-APIKEY") == {"X-MBX-APIKEY": "hedge"}
    assert manager.credential("nobitex").headers("unused", scheme="Token") == {"Authorization": "Token token"}
    with pytest.raises(UnsupportedError, match="X-SECRET needs a secret key"):
        manager.credential("binance", "binance_hedge").headers("X-KEY", "X-SECRET")


def test_hmac_signer() -> None:
    expected = hmac.new(CANARY.encode(), b"a=1", hashlib.sha256).hexdigest()
    assert AuthManager(environ=ENVIRON).credential("alpaca").signer().sign("a=1") == expected


def test_ed25519_signer() -> None:
    pem, key = _pem()
    credential = AuthManager(environ={"X_API_KEY": "k", "X_SECRET_KEY": pem}).credential("x")
    assert credential.method == "ed25519"
    key.public_key().verify(base64.b64decode(credential.signer().sign("a=1")), b"a=1")


@pytest.mark.parametrize(
    "carried",
    [
        lambda pem: pem,
        lambda pem: pem.replace("\n", "\r\n"),
        lambda pem: pem + "\n\n",
        lambda pem: f" \n{pem}",
        lambda pem: pem.strip().replace("\n", "\\n"),
        lambda pem: pem.replace("\n", "\\r\\n"),
        lambda pem: pem.strip().replace("\n", " "),
        lambda pem: pem.replace("\n", "\n    "),
        lambda pem: f"Bag Attributes\n{pem}",
    ],
    ids=["plain", "CRLF", "empty line", "before", "escaped", "escaped CRLF", "one line", "indented", "attributes"],
)
@pytest.mark.parametrize("signers", [native_signer, pure_signer])
def test_a_pem_text_is_read_however_it_is_carried(
    carried: Callable[[str], str], signers: Callable[[], Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(auth, "Signer", signers())
    pem, key = _pem()
    credential = AuthManager(environ={"X_API_KEY": "k", "X_SECRET_KEY": carried(pem)}).credential("x")
    assert credential.method == "ed25519"
    for each in (credential, Credential(Secret("k"), Secret(carried(pem)), "ed25519")):
        key.public_key().verify(base64.b64decode(each.signer().sign("a=1")), b"a=1")


@pytest.mark.parametrize("secret", ["-----BEGIN PRIVATE KEY-----\ncanary-5d1f0c", "canary-5d1f0c"])
def test_what_is_no_ed25519_key_is_named_by_what_holds_it(secret: str) -> None:
    rule = " must be an unencrypted Ed25519 key in PKCS#8 PEM (openssl genpkey -algorithm ed25519)"
    manager = AuthManager({"c": {"api_key": "k", "secret_key": secret}}, {"X_API_KEY": "k", "X_SECRET_KEY": secret})
    places = {"api_key": "p.key", "secret_key": "p.secret", "method": "p.method"}
    for ask, where in (
        (lambda: manager.credential("x", method="ed25519"), "X_SECRET_KEY"),
        (lambda: manager.credential("x", "c", "ed25519"), "credentials.c.secret_key"),
        (lambda: manager.credential("x", "c", "ed25519", places=places), "p.secret"),
        (lambda: Credential(Secret("k"), Secret(secret), "ed25519").signer(), "secret_key"),
    ):
        with pytest.raises(ValueError, match="Ed25519") as caught:
            ask()
        assert str(caught.value) == where + rule
        lines = traceback.TracebackException.from_exception(caught.value, capture_locals=True).format()
        assert not [line for line in lines if auth.__file__ in line and CANARY in line]


def test_what_signs_nothing() -> None:
    manager = AuthManager(environ=ENVIRON)
    for name in ("nobitex", "binance-hedge"):
        with pytest.raises(UnsupportedError, match="signs nothing; use hmac or ed25519"):
            manager.credential("x", name).signer()


def test_nothing_shows_the_secret(caplog: pytest.LogCaptureFixture) -> None:
    manager = AuthManager({"x": {"api_key": Secret(CANARY), "secret_key": Secret(CANARY)}}, ENVIRON)
    credential = manager.credential("x")
    signer = credential.signer()
    with caplog.at_level(logging.DEBUG):
        logging.getLogger("test").warning("%s %r %s", credential, manager, signer)
    shown = [repr(credential), str(credential), f"{credential}", repr(vars(manager)), repr(signer), caplog.text]
    try:
        json.dumps(credential)  # type: ignore[arg-type]
    except TypeError as error:
        shown.extend(traceback.TracebackException.from_exception(error, capture_locals=True).format())
    assert not [text for text in shown if CANARY in text]
