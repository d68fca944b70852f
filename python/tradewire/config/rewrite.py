"""Encrypts the secrets of a file in place, and moves them to a new key. Comments and layout stay as they are.

No plain text of a secret reaches the disk: the new file is made in memory and takes the old one's place at once.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TypeVar

from tradewire.errors import ConfigError

from . import encryption, files
from .keys import KeyRing, KeyStore, new_key
from .nodes import Leaf
from .problem import Problem
from .secret import Secret
from .sources import Secrets, Sources, explained

__all__ = ["encrypt_file", "retire", "rotate"]

T = TypeVar("T")


def encrypt_file(sources: Sources) -> list[str]:
    """Encrypts every secret that stands in the file as it is, and binds every unbound one.

    Returns:
        The paths of what was encrypted.

    Raises:
        ConfigError: the file is not readable as a configuration, there is no usable key, or a value that is encrypted
            already does not decrypt. Then nothing was changed.
    """
    found = sources.secrets()
    if not found.literals and not found.tokens:
        return []
    store = sources.key_store()
    ring = _ring_of(found.tokens, store) if found.tokens else _usable(store.find_or_make)
    known = _decrypted(found.tokens, ring)
    loose = {path: leaf for path, leaf in found.tokens.items() if encryption.is_unbound(leaf.text or "")}
    texts = {path: Secret(leaf.text or "") for path, leaf in found.literals.items()}
    texts |= {path: known[path] for path in loose}
    _write(sources, found, texts, {**found.literals, **loose}, ring)
    return sorted(texts)


def rotate(all_sources: Sequence[Sources]) -> KeyRing:
    """Makes a new key, or takes the first of several given ones, and encrypts all values of the files with it.

    The old keys stay in the ring until `retire`, so that nothing that reads meanwhile fails.

    Raises:
        ConfigError: a value does not decrypt, or the keys cannot be changed from here. Then no file was changed.
    """
    store = all_sources[0].key_store()
    ring = _usable(lambda: _found(store))
    found = [sources.secrets() for sources in all_sources]
    texts = [_decrypted(each.tokens, ring) for each in found]
    if store.can_save:
        ring = KeyRing([new_key(), *ring.keys])
        # Before the files: whoever reads a new file finds its key.
        _usable(lambda: store.save(ring))
    elif len(ring.keys) < 2:
        raise _error(
            store, "holds one key, and cannot be changed from here: put a new key before it, then rotate again"
        )
    for sources, each, values in zip(all_sources, found, texts, strict=True):
        _write(sources, each, values, each.tokens, ring)
    return ring


def retire(all_sources: Sequence[Sources], key_id: str) -> KeyRing:
    """Removes a key that none of the files needs.

    Raises:
        ConfigError: it is needed, it is not there, or it is the one that encrypts.
    """
    store = all_sources[0].key_store()
    ring = _usable(lambda: _found(store))
    if ring.find(key_id) is None:
        raise _error(store, f"key {key_id} is not here: {', '.join(key.id for key in ring.keys)}")
    if ring.active.id == key_id:
        raise _error(store, f"key {key_id} is the one that encrypts: rotate first")
    for sources in all_sources:
        needed = [
            path for path, leaf in sources.secrets().tokens.items() if encryption.key_of(leaf.text or "") == key_id
        ]
        if needed:
            raise _error(store, f"key {key_id} is needed by {', '.join(needed)} of {sources.path}: rotate first")
    ring = KeyRing(key for key in ring.keys if key.id != key_id)
    _usable(lambda: store.save(ring))
    return ring


def _ring_of(tokens: Mapping[str, Leaf], store: KeyStore) -> KeyRing:
    """The ring for values that are encrypted already: a new one could not read them."""
    ring = _usable(store.find)
    if ring is None:
        raise ConfigError(
            [Problem(leaf.place.file, leaf.place.line, path, None, store.missing) for path, leaf in tokens.items()]
        )
    return ring


def _found(store: KeyStore) -> KeyRing:
    ring = store.find()
    if ring is None:
        raise ValueError("there is no key yet: `tradewire config encrypt` makes one")
    return ring


def _usable(call: Callable[[], T]) -> T:
    """The result of a call about keys; what goes wrong becomes a ConfigError."""
    try:
        return call()
    except (ValueError, OSError) as error:
        raise ConfigError([Problem("keys", None, "", None, explained(error))]) from None


def _error(store: KeyStore, rule: str) -> ConfigError:
    return ConfigError([Problem(str(store.path or "keys"), None, "", None, rule)])


def _decrypted(tokens: Mapping[str, Leaf], ring: KeyRing) -> dict[str, Secret]:
    texts, problems = {}, []
    for path, leaf in tokens.items():
        try:
            texts[path] = Secret(encryption.decrypt(leaf.text or "", path, ring))
        except ValueError as error:
            problems.append(Problem(leaf.place.file, leaf.place.line, path, None, str(error)))
    if problems:
        raise ConfigError(problems)
    return texts


def _write(
    sources: Sources, found: Secrets, texts: Mapping[str, Secret], leaves: Mapping[str, Leaf], ring: KeyRing
) -> None:
    if not texts or sources.file is None:
        return
    text = found.text
    for path, leaf in sorted(leaves.items(), key=lambda item: item[1].span or (0, 0), reverse=True):
        begin, end = leaf.span or (0, 0)
        # The end of a block (`|`) is where the next line begins.
        end = begin + len(text[begin:end].rstrip())
        token = encryption.encrypt(texts[path].reveal(), path, ring)
        # In quotes: a plain `[` would begin a list within `{...}`.
        text = f'{text[:begin]}"{token}"{text[end:]}'
    _prove(sources, text, texts, ring)
    try:
        if files.fingerprint(sources.file) != found.fingerprint:
            raise OSError(None, "was changed meanwhile: try again", str(sources.path))
        files.replace(sources.file, text.encode())
    except OSError as error:
        raise ConfigError(
            [Problem(str(sources.path), None, "", None, f"cannot be written: {error.strerror}")]
        ) from None


def _prove(sources: Sources, text: str, texts: Mapping[str, Secret], ring: KeyRing) -> None:
    """Reads what is about to be written: every value must be found at its path and decrypt to what it was."""
    tokens = sources.secrets_in(text.encode()).tokens
    for path, plain in texts.items():
        leaf = tokens.get(path)
        if leaf is None or encryption.decrypt(leaf.text or "", path, ring) != plain.reveal():
            rule = "cannot be encrypted in place; use --path and write the ENC[...] there yourself"
            raise ConfigError([Problem(str(sources.path), None, path, None, rule)])
