"""`ENC[...]` values: nothing but the very token at the very path decrypts."""

from __future__ import annotations

import pytest

from tradewire.config.encryption import decrypt, encrypt, is_unbound, key_of
from tradewire.config.keys import KeyRing, new_key

RING = KeyRing([new_key(), new_key()])
PATH = "apis.alpaca.credentials.secret_key"


@pytest.mark.parametrize("text", ["s", "", "é\n😀", "x" * 2048, "ENC[x]", "\udc80"])
def test_there_and_back(text: str) -> None:
    assert decrypt(encrypt(text, PATH, RING), PATH, RING) == text
    assert decrypt(encrypt(text, None, RING), PATH, RING) == text


def test_the_token_says_what_it_needs() -> None:
    token = encrypt("secret", PATH, RING)
    assert token.startswith(f"ENC[v1:{RING.active.id}:bound:")
    assert key_of(token) == RING.active.id
    assert not is_unbound(token)
    assert is_unbound(encrypt("secret", None, RING))
    assert key_of("ENC[x]") == ""
    assert not is_unbound("ENC[x]")
    assert "secret" not in token


def test_each_token_is_new() -> None:
    assert len({encrypt("secret", PATH, RING) for _ in range(100)}) == 100


def test_the_nonce_is_what_was_drawn() -> None:
    drawn: list[int] = []

    def random(count: int) -> bytes:
        drawn.append(count)
        return bytes(range(count))

    assert encrypt("s", PATH, RING, random) == encrypt("s", PATH, RING, random)
    assert drawn == [12, 12]


def test_another_path_is_refused_and_the_way_out_named() -> None:
    said = r"for another setting: encrypt the value anew with `tradewire config encrypt FILE --path apis\.other\.cred"
    with pytest.raises(ValueError, match=said):
        decrypt(encrypt("secret", PATH, RING), "apis.other.credentials.secret_key", RING)


def test_bound_and_unbound_are_not_interchangeable() -> None:
    bound, unbound = encrypt("s", PATH, RING), encrypt("s", None, RING)
    for changed in (bound.replace(":bound:", ":unbound:"), unbound.replace(":unbound:", ":bound:")):
        with pytest.raises(ValueError, match="was changed"):
            decrypt(changed, PATH, RING)


def test_an_older_key_still_decrypts_and_a_strange_one_does_not() -> None:
    old = KeyRing([RING.keys[1]])
    token = encrypt("s", PATH, old)
    assert decrypt(token, PATH, RING) == "s"
    with pytest.raises(ValueError, match=rf"key {old.active.id}, which is not here \(here: {RING.active.id}\)"):
        decrypt(token, PATH, KeyRing([RING.active]))


def test_the_key_id_is_authenticated() -> None:
    """The other key under this id is refused, and so is this key under the other id."""
    token = encrypt("s", PATH, RING)
    with pytest.raises(ValueError, match="was changed"):
        decrypt(token.replace(RING.active.id, RING.keys[1].id), PATH, RING)


@pytest.mark.parametrize(
    "token",
    [
        "ENC[]",
        "ENC[encrypted_value]",
        "ENC[v2:00000000:bound:AAAA]",
        "ENC[v1:00000000:bound:AA AA]",
        "ENC[v1:0000000g:bound:AAAA]",
        "ENC[v1:00000000:other:AAAA]",
    ],
)
def test_what_is_no_token(token: str) -> None:
    with pytest.raises(ValueError, match=r"must be ENC\[v1:\.\.\.\]"):
        decrypt(token, PATH, RING)


def test_every_changed_character_is_refused() -> None:
    token = encrypt("secret", PATH, RING)
    begin = token.rindex(":") + 1
    refused = 0
    for index in range(begin, len(token) - 1):
        for character in "Aa0_-z":
            if token[index] == character:
                continue
            changed = token[:index] + character + token[index + 1 :]
            with pytest.raises(ValueError, match="was changed"):
                decrypt(changed, PATH, RING)
            refused += 1
    assert refused > 200


def test_every_cut_is_refused() -> None:
    token = encrypt("secret", PATH, RING)
    for end in range(token.rindex(":") + 1, len(token) - 1):
        with pytest.raises(ValueError, match=r"must be|was changed"):
            decrypt(token[:end] + "]", PATH, RING)
