"""The keys that encrypt configuration values: where they are found, made and rotated. Encrypts nothing itself.

A ring is a text of base64 keys, one a line; the first encrypts, all decrypt. It comes from, in this order: the
argument, `TRADEWIRE_CONFIG_KEY` (keys separated by commas), the file that `TRADEWIRE_CONFIG_KEY_FILE` names, the
user's `tradewire/config.key`, the OS keyring (where the `keyring` library is installed: the extra `keyring`).
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import importlib
import logging
import os
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from .files import create_private, read_private, replace
from .secret import Secret

__all__ = ["KEY_FILE_VARIABLE", "KEY_VARIABLE", "Key", "KeyRing", "KeyStore", "new_key"]

KEY_VARIABLE = "TRADEWIRE_CONFIG_KEY"
KEY_FILE_VARIABLE = "TRADEWIRE_CONFIG_KEY_FILE"

_BYTES = 32
_NOTE = (
    "# Keys of encrypted tradewire configuration values. The first encrypts, all decrypt. Keep it apart from them.\n"
)
#: Service and user of the entry, and what errors call it.
_KEYRING = ("tradewire", "config-key")
_KEYRING_NAME = "keyring of the system"
_logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Key:
    """One key.

    Attributes:
        id: eight hexadecimal digits that tell keys apart; the key cannot be found from them.
        secret: 32 bytes in base64.
    """

    id: str
    secret: Secret

    @property
    def raw(self) -> bytes:
        """The 32 bytes."""
        return base64.b64decode(self.secret.reveal())


def _key(text: str) -> Key:
    try:
        raw = base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        raw = b""
    if len(raw) != _BYTES:
        raise ValueError(f"a configuration key must be {_BYTES} bytes in base64 (44 characters)")
    return Key(hashlib.sha256(b"tradewire configuration key id\0" + raw).hexdigest()[:8], Secret(text))


def new_key() -> Key:
    """A random key."""
    return _key(base64.b64encode(os.urandom(_BYTES)).decode())


class KeyRing:
    """Keys in order; the first encrypts.

    Raises:
        ValueError: there is none.
    """

    def __init__(self, keys: Iterable[Key]) -> None:
        self.keys = tuple(keys)
        if not self.keys:
            raise ValueError("a key ring must hold a key, was empty")

    @classmethod
    def parse(cls, text: str) -> KeyRing:
        """The ring of a text: keys on lines or separated by commas.

        Raises:
            ValueError: one is not a key, or there is none.
        """
        lines = [line for line in text.splitlines() if not line.startswith("#")]
        words = (word.strip() for line in lines for word in line.split(","))
        return cls(_key(word) for word in words if word)

    def text(self) -> str:
        """What `parse` reads."""
        return "".join(key.secret.reveal() + "\n" for key in self.keys)

    @property
    def active(self) -> Key:
        """The key that encrypts."""
        return self.keys[0]

    def find(self, key_id: str) -> Key | None:
        """A key by its id."""
        return next((key for key in self.keys if key.id == key_id), None)


class KeyStore:
    """Finds the ring and keeps it.

    Args:
        given: a path of a key file, or a Secret with the keys themselves; None: looks where keys usually are.
        variable: the value of an environment name; None when it is not set.
        apart_from: a file beside which no key may lie.
        folder: that relative paths of key files begin at.

    Attributes:
        path: of the key file in use; None: not from a file.
    """

    def __init__(
        self,
        given: Path | str | Secret | None,
        variable: Callable[[str], str | None],
        *,
        apart_from: Path | None = None,
        folder: Path = Path(),
    ) -> None:
        self._given, self._variable, self._apart_from, self._folder = given, variable, apart_from, folder
        self.path: Path | None = None

    @property
    def default_path(self) -> Path:
        """Where a key is made when there is none."""
        home = self._variable("XDG_CONFIG_HOME")
        folder = Path(home) if home and Path(home).is_absolute() else Path.home() / ".config"
        return folder / "tradewire" / "config.key"

    @property
    def missing(self) -> str:
        """What is wrong with an encrypted value where `find` finds nothing."""
        return (
            f"is encrypted and there is no key: set ${KEY_VARIABLE}, name a key file in ${KEY_FILE_VARIABLE}, or put "
            f"the key into {self.default_path}"
        )

    def find(self) -> KeyRing | None:
        """The ring; None: there is none anywhere.

        Raises:
            ValueError: what was found is no ring.
            OSError: a key file cannot be read, or others could read it; the OS keyring is locked, or fails.
        """
        self.path = None
        if isinstance(self._given, Secret):
            return KeyRing.parse(self._given.reveal())
        if self._given is not None:
            return self._from_file(self._folder / self._given)
        text = self._variable(KEY_VARIABLE)
        if text:
            return KeyRing.parse(text)
        named = self._variable(KEY_FILE_VARIABLE)
        if named:
            return self._from_file(self._folder / named)
        try:
            return self._from_file(self.default_path)
        except FileNotFoundError:
            self.path = None
        return _from_keyring()

    def find_or_make(self) -> KeyRing:
        """The ring; with none anywhere one is made in the user's configuration folder, and said in one log line."""
        try:
            found = self.find()
        except FileNotFoundError:
            if self.path is None:
                raise
            found = None
        if found is not None:
            return found
        path = self.path or self.default_path
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        ring = KeyRing([new_key()])
        try:
            create_private(path, (_NOTE + ring.text()).encode())
        except FileExistsError:
            # Another process made one first.
            return self._from_file(path)
        self.path = path
        _logger.warning("made a configuration key in %s: back it up, values cannot be decrypted without it", path)
        return ring

    def save(self, ring: KeyRing) -> None:
        """Stores a ring where the present one came from.

        Raises:
            ValueError: it came from the environment or an argument, which cannot be changed from here.
            OSError: it cannot be written.
        """
        if self.path is not None:
            replace(self.path, (_NOTE + ring.text()).encode())
        elif self._given is None and not self._variable(KEY_VARIABLE):
            _to_keyring(ring)
        else:
            raise ValueError(f"keys given as an argument or in ${KEY_VARIABLE} are kept there: change them there")

    @property
    def can_save(self) -> bool:
        """Whether `save` can work for the ring that `find` found."""
        return self.path is not None or (self._given is None and not self._variable(KEY_VARIABLE))

    def _from_file(self, path: Path) -> KeyRing:
        self.path = path
        if self._apart_from is not None and path.resolve().parent == self._apart_from.resolve().parent:
            if not path.exists():
                raise ValueError(
                    f"{path} does not exist, and keys must not lie beside the values they encrypt: name one elsewhere"
                )
            raise ValueError(f"{path} must not lie beside the values it encrypts: move it to another folder")
        try:
            return KeyRing.parse(read_private(path).decode("ascii"))
        except FileNotFoundError:
            raise
        except ValueError as error:
            # UnicodeDecodeError would quote the bytes.
            text = "it is not text" if isinstance(error, UnicodeDecodeError) else str(error)
            raise ValueError(f"{path}: {text}") from None


def _keyring_library() -> Any:
    """None: not installed."""
    try:
        return importlib.import_module("keyring")
    except ImportError:
        return None


def _from_keyring() -> KeyRing | None:
    library = _keyring_library()
    if library is None:
        return None
    try:
        stored = library.get_password(*_KEYRING)
    except library.errors.NoKeyringError:
        # The library alone: a server without any of the services that it knows.
        return None
    except Exception as error:
        # Backends raise what their services do. A key may well be in there: another one must not be made.
        rule = (
            f"cannot be read ({type(error).__name__}: {error}): unlock it, or name a key file in ${KEY_FILE_VARIABLE}"
        )
        raise OSError(None, rule, _KEYRING_NAME) from None
    try:
        return KeyRing.parse(stored) if stored else None
    except ValueError as error:
        raise ValueError(f"{_KEYRING_NAME}: {error}") from None


def _to_keyring(ring: KeyRing) -> None:
    library = _keyring_library()
    try:
        if library is None:
            raise ModuleNotFoundError
        library.set_password(*_KEYRING, ring.text().replace("\n", ","))
    except Exception as error:
        # Only its sort: the text of a backend may quote what it was to store.
        raise OSError(None, f"cannot be written ({type(error).__name__}): unlock it", _KEYRING_NAME) from None
