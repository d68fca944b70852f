"""Where keys are found, made and kept."""

from __future__ import annotations

import base64
import logging
import stat
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import keyring
import pytest
from keyring.backend import KeyringBackend
from keyring.backends.fail import Keyring as FailingKeyring
from keyring.errors import InitError, KeyringLocked
from keyrings.alt.file import PlaintextKeyring

from tradewire import Secret
from tradewire.config.keys import KEY_FILE_VARIABLE, KEY_VARIABLE, KeyRing, KeyStore, new_key
from tradewire.config.sources import explained


@pytest.fixture
def home(tmp_path: Path) -> dict[str, str]:
    return {"XDG_CONFIG_HOME": str(tmp_path / "home")}


def test_keys_are_random_and_have_ids() -> None:
    one, two = new_key(), new_key()
    assert one.id != two.id
    assert len(one.raw) == 32
    assert one.secret.reveal() not in repr(one)


def test_a_ring_reads_what_it_writes() -> None:
    ring = KeyRing([new_key(), new_key()])
    again = KeyRing.parse("# note\n" + ring.text())
    assert [key.id for key in again.keys] == [key.id for key in ring.keys]
    assert again.active.id == ring.keys[0].id
    assert again.find(ring.keys[1].id) is not None
    assert again.find("00000000") is None
    assert KeyRing.parse(ring.text().strip().replace("\n", ",")).keys == again.keys


@pytest.mark.parametrize("text", ["", "# nothing\n", "canary", base64.b64encode(b"x" * 31).decode(), "é"])
def test_what_is_no_ring(text: str) -> None:
    with pytest.raises(ValueError, match=r"32 bytes in base64|hold a key") as caught:
        KeyRing.parse(text)
    assert "canary" not in str(caught.value)


def test_there_is_none(home: dict[str, str]) -> None:
    assert KeyStore(None, home.get).find() is None


def test_one_is_made_private_and_said_once(home: dict[str, str], caplog: pytest.LogCaptureFixture) -> None:
    store = KeyStore(None, home.get)
    ring = store.find_or_make()
    path = Path(home["XDG_CONFIG_HOME"]) / "tradewire" / "config.key"
    assert store.path == path
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700
    assert len(caplog.records) == 1
    assert str(path) in caplog.text
    assert ring.active.secret.reveal() not in caplog.text
    found = KeyStore(None, home.get).find_or_make()
    assert found.active.id == ring.active.id
    assert len(caplog.records) == 1


def test_without_a_configuration_folder_it_is_under_home(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(Path, "home", lambda: tmp_path)
    assert KeyStore(None, {}.get).default_path == tmp_path / ".config" / "tradewire" / "config.key"
    assert KeyStore(None, {"XDG_CONFIG_HOME": "relative"}.get).default_path.is_relative_to(tmp_path)


def test_the_order_of_sources(home: dict[str, str], tmp_path: Path) -> None:
    keys = {name: new_key() for name in ("argument", "variable", "named", "default")}
    named = tmp_path / "named.key"
    named.write_text(keys["named"].secret.reveal())
    named.chmod(0o600)
    default = KeyStore(None, home.get).default_path
    default.parent.mkdir(parents=True)
    default.write_text(keys["default"].secret.reveal())
    default.chmod(0o600)
    variables = {**home, KEY_VARIABLE: keys["variable"].secret.reveal(), KEY_FILE_VARIABLE: str(named)}

    def active(given: Secret | None) -> str:
        ring = KeyStore(given, variables.get).find()
        assert ring is not None
        return ring.active.id

    assert active(keys["argument"].secret) == keys["argument"].id
    assert active(None) == keys["variable"].id
    del variables[KEY_VARIABLE]
    assert active(None) == keys["named"].id
    del variables[KEY_FILE_VARIABLE]
    assert active(None) == keys["default"].id


def test_a_given_file_that_is_missing_is_made(tmp_path: Path, home: dict[str, str]) -> None:
    path = tmp_path / "keys" / "own.key"
    store = KeyStore(path, home.get)
    with pytest.raises(FileNotFoundError):
        store.find()
    made = store.find_or_make()
    again = KeyStore(path, home.get).find()
    assert again is not None
    assert again.active.id == made.active.id


def test_a_key_file_that_others_read_is_refused(home: dict[str, str]) -> None:
    store = KeyStore(None, home.get)
    store.find_or_make()
    store.default_path.chmod(0o644)
    with pytest.raises(PermissionError, match="chmod 600"):
        KeyStore(None, home.get).find()


def test_a_damaged_key_file_is_refused_without_showing_it(home: dict[str, str]) -> None:
    store = KeyStore(None, home.get)
    store.find_or_make()
    for damage in (b"canary\n", b"\xffcanary"):
        store.default_path.write_bytes(damage)
        with pytest.raises(ValueError, match=r"config\.key") as caught:
            KeyStore(None, home.get).find()
        assert "canary" not in str(caught.value)


def test_saving(home: dict[str, str]) -> None:
    store = KeyStore(None, home.get)
    ring = store.find_or_make()
    store.save(KeyRing([new_key(), *ring.keys]))
    again = KeyStore(None, home.get).find()
    assert again is not None
    assert [key.id for key in again.keys[1:]] == [ring.active.id]
    assert stat.S_IMODE(store.default_path.stat().st_mode) == 0o600


def test_a_ring_of_the_environment_is_not_saved(home: dict[str, str]) -> None:
    ring = KeyRing([new_key()])
    store = KeyStore(None, {**home, KEY_VARIABLE: ring.text()}.get)
    assert store.find() is not None
    assert not store.can_save
    with pytest.raises(ValueError, match="change them there"):
        store.save(ring)


@pytest.fixture
def plug(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[Callable[[KeyringBackend], None]]:
    """Chooses the backend of the `keyring` library; files of backends are in a folder of the test."""
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "data"))
    before = keyring.get_keyring()
    yield keyring.set_keyring
    keyring.set_keyring(before)


class Broken(KeyringBackend):
    """As a backend whose service does not serve."""

    priority = 1  # type: ignore[assignment]

    def __init__(self, error: Exception) -> None:
        super().__init__()
        self.error = error

    def get_password(self, service: str, username: str) -> str | None:
        raise self.error

    def set_password(self, service: str, username: str, password: str) -> None:
        raise RuntimeError(f"cannot store {password}")


def ids(ring: KeyRing | None) -> list[str]:
    return [] if ring is None else [key.id for key in ring.keys]


def test_the_keyring_of_the_system(home: dict[str, str], plug: Any) -> None:
    plug(PlaintextKeyring())
    store = KeyStore(None, home.get)
    assert store.find() is None
    ring = KeyRing([new_key(), new_key()])
    keyring.set_password("tradewire", "config-key", ring.text())
    assert ids(store.find()) == ids(ring)
    assert ids(store.find_or_make()) == ids(ring)
    assert store.path is None
    assert store.can_save
    assert not store.default_path.exists()
    rotated = KeyRing([new_key(), *ring.keys])
    store.save(rotated)
    assert ids(KeyStore(None, home.get).find()) == ids(rotated)


def test_a_key_file_comes_before_the_keyring(home: dict[str, str], plug: Any) -> None:
    made = KeyStore(None, home.get).find_or_make()
    plug(Broken(KeyringLocked("not asked")))
    assert ids(KeyStore(None, home.get).find()) == ids(made)


def test_a_keyring_library_without_a_keyring_is_none(home: dict[str, str], plug: Any) -> None:
    plug(FailingKeyring())
    store = KeyStore(None, home.get)
    assert store.find() is None
    assert ids(store.find_or_make()) == ids(KeyStore(None, home.get).find()) != []
    assert store.default_path.exists()


@pytest.mark.parametrize("error", [KeyringLocked("dismissed"), InitError("no bus"), OSError("no socket")])
def test_a_keyring_that_fails_is_said_and_no_other_key_is_made(
    home: dict[str, str], plug: Any, error: Exception
) -> None:
    plug(Broken(error))
    store = KeyStore(None, home.get)
    for call in (store.find, store.find_or_make):
        with pytest.raises(OSError, match="unlock it, or name a key file in") as caught:
            call()
        assert f"cannot be read ({type(error).__name__}: {error})" in explained(caught.value)
        assert explained(caught.value).startswith("keyring of the system: ")
    assert not store.default_path.exists()
    ring = KeyRing([new_key()])
    with pytest.raises(OSError, match=r"cannot be written \(RuntimeError\)") as caught:
        store.save(ring)
    assert ring.active.secret.reveal() not in str(caught.value)


def test_a_damaged_entry_of_the_keyring_is_refused_without_showing_it(home: dict[str, str], plug: Any) -> None:
    plug(PlaintextKeyring())
    keyring.set_password("tradewire", "config-key", "canary")
    with pytest.raises(ValueError, match="keyring of the system: a configuration key must be 32 bytes") as caught:
        KeyStore(None, home.get).find()
    assert "canary" not in str(caught.value)


def test_without_the_keyring_library(home: dict[str, str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "keyring", None)
    store = KeyStore(None, home.get)
    assert store.find() is None
    with pytest.raises(OSError, match=r"cannot be written \(ModuleNotFoundError\)"):
        store.save(KeyRing([new_key()]))


def test_two_processes_that_make_one_get_the_same(home: dict[str, str], monkeypatch: pytest.MonkeyPatch) -> None:
    first = KeyStore(None, home.get)
    second = KeyStore(None, home.get)
    monkeypatch.setattr(second, "find", lambda: None)
    made = first.find_or_make()
    assert second.find_or_make().active.id == made.active.id


def test_nothing_is_logged_when_found(home: dict[str, str], caplog: pytest.LogCaptureFixture) -> None:
    KeyStore(None, home.get).find_or_make()
    caplog.clear()
    caplog.set_level(logging.DEBUG)
    KeyStore(None, home.get).find()
    assert not caplog.records


def test_a_key_does_not_lie_beside_what_it_encrypts(home: dict[str, str], tmp_path: Path) -> None:
    store = KeyStore(tmp_path / "own.key", home.get, apart_from=tmp_path / "c.yaml")
    with pytest.raises(ValueError, match=r"own\.key does not exist, and keys must not lie beside the values"):
        store.find_or_make()
    assert not (tmp_path / "own.key").exists()
    (tmp_path / "own.key").touch(mode=0o600)
    with pytest.raises(ValueError, match=r"own\.key must not lie beside the values it encrypts"):
        store.find_or_make()
