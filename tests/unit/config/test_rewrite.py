"""Encrypting in place and changing keys: what stays, what changes, and that no plain text reaches the disk."""

from __future__ import annotations

import functools
import os
import stat
import sys
import traceback
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tradewire import Secret
from tradewire.config import files, rewrite
from tradewire.config.encryption import key_of
from tradewire.config.keys import KEY_VARIABLE, KeyRing, new_key
from tradewire.errors import ConfigError

TEXT = """\
# my keys
exchanges:
  a: {name: A, api_key: 'canary1', api_secret: canary2 } # in braces
  b:
    name: B       # a note
    api_key: "canary3"
    api_secret: ${NOT_SET_HERE}
    timeout: 7
"""
PATHS = ["exchanges.a.api_key", "exchanges.a.api_secret", "exchanges.b.api_key"]


def secrets_of(place: Any) -> list[str]:
    made = place.loader(env={"NOT_SET_HERE": "x"}).load().exchanges
    return [made["a"].api_key.reveal(), made["a"].api_secret.reveal(), made["b"].api_key.reveal()]


def test_secrets_are_encrypted_in_place(place: Any) -> None:
    place.write(TEXT)
    assert rewrite.encrypt_file(place.loader().sources) == PATHS
    text = place.path.read_text()
    assert "canary" not in text
    assert secrets_of(place) == ["canary1", "canary2", "canary3"]
    for kept in ("# my keys\n", "# in braces\n", "# a note\n", "api_secret: ${NOT_SET_HERE}\n", "timeout: 7\n"):
        assert kept in text
    assert rewrite.encrypt_file(place.loader().sources) == []
    assert place.path.read_text() == text


def shown(call: Callable[[], object]) -> str:
    """What tracebacks with local variables show of our frames when a call is refused."""
    with pytest.raises(ConfigError) as caught:
        call()
    folder = str(Path(rewrite.__file__).parent)
    frames = [frame for frame, _ in traceback.walk_tb(caught.value.__traceback__)]
    ours = [frame for frame in frames if frame.f_code.co_filename.startswith(folder)]
    assert ours
    return f"{caught.value} {[repr(frame.f_locals) for frame in ours]}"


def test_no_traceback_holds_a_secret(place: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    place.write(TEXT)
    loader = place.loader()
    for path in ("exchanges.a.no_such", "exchanges.a"):
        assert "canary" not in shown(functools.partial(loader.encrypt_value, "canary", path))

    def full(path: Path, data: bytes) -> None:
        raise OSError(28, "No space left on device", str(path))

    with monkeypatch.context() as patched:
        patched.setattr(files, "replace", full)
        assert "canary" not in shown(lambda: rewrite.encrypt_file(loader.sources))
    rewrite.encrypt_file(loader.sources)
    text = place.path.read_text()
    end = text.rindex(']"')
    place.write(
        text[: end - 1] + ("A" if text[end - 1] != "A" else "E") + text[end:] + "  c: {name: C, api_key: canary4}\n"
    )
    assert "canary" not in shown(lambda: rewrite.encrypt_file(loader.sources))
    assert "canary" not in shown(lambda: rewrite.rotate([loader.sources]))


def test_json_is_encrypted_in_place(place: Any) -> None:
    path = place.write('{\n\t"exchanges": {"a": {"name": "A", "api_key": "c\\u00e4nary", "note": 1}}\n}\n', "c.json")
    sources = place.loader().sources
    from dataclasses import replace

    sources = replace(sources, path=path)
    assert rewrite.encrypt_file(sources) == ["exchanges.a.api_key"]
    assert "nary" not in path.read_text()
    path.write_text(path.read_text().replace(', "note": 1', ""))
    assert sources.read().config.exchanges["a"].api_key == Secret("cänary")


@pytest.mark.parametrize(
    "value",
    [
        "|\n      -----BEGIN-----\n      canary\n      -----END-----\n",
        "|-\n      canary\n\n",
        ">\n      canary\n      canary\n",
        "canary\n        canary\n",
        "'canary\n\n        canary'\n",
        '"can\\x61ry # ]"  # a note\n',
        "canary]}, x\n",
        "canary # a note\n",
    ],
)
def test_values_of_every_style(place: Any, value: str) -> None:
    place.write(f"exchanges:\n  a:\n    api_key: {value}    name: A\n    timeout: 7\n")
    before = place.loader().load()
    rewrite.encrypt_file(place.loader().sources)
    text = place.path.read_text()
    assert "canary" not in text
    assert place.loader().load() == before
    assert text.endswith("    name: A\n    timeout: 7\n")
    assert ("# a note" in value) == ("# a note" in text)


def test_what_would_not_read_back_is_not_written(place: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    place.write(TEXT)
    monkeypatch.setattr(rewrite.encryption, "decrypt", lambda *_: "another")
    with pytest.raises(ConfigError, match="cannot be encrypted in place"):
        rewrite.encrypt_file(place.loader().sources)
    assert place.path.read_text() == TEXT


def test_unbound_values_are_bound(place: Any) -> None:
    token = place.loader("environment: paper").encrypt_value("s")
    place.write(f"exchanges: {{a: {{name: A, api_key: '{token}'}}}}")
    assert rewrite.encrypt_file(place.loader().sources) == ["exchanges.a.api_key"]
    assert ":bound:" in place.path.read_text()
    assert place.loader().load().exchanges["a"].api_key == Secret("s")


def test_the_new_file_is_private(place: Any) -> None:
    place.write(TEXT, mode=0o644)
    rewrite.encrypt_file(place.loader().sources)
    assert stat.S_IMODE(place.path.stat().st_mode) == 0o600


@pytest.mark.skipif(sys.platform == "win32", reason="opens files otherwise")
def test_no_plain_text_reaches_the_disk(place: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """Every file that is opened for writing, looked at when the last one is in place."""
    place.write(TEXT)
    written: list[bytes] = []
    real = files.create_private

    def create(path: Path, data: bytes) -> None:
        written.append(data)
        real(path, data)

    opened: list[tuple[str, int]] = []
    recording = True

    def hook(event: str, arguments: tuple[Any, ...]) -> None:
        if recording and event == "open" and isinstance(arguments[2], int) and arguments[2] & (os.O_WRONLY | os.O_RDWR):
            opened.append((str(arguments[0]), arguments[2]))

    sys.addaudithook(hook)
    monkeypatch.setattr(files, "create_private", create)
    rewrite.encrypt_file(place.loader().sources)
    rewrite.rotate([place.loader().sources])
    recording = False
    assert len(written) >= 3
    assert not any(b"canary" in data for data in written)
    ours = [(path, flags) for path, flags in opened if str(place.folder) in path]
    assert len(ours) >= len(written), "each was written by create_private"
    assert all(flags & os.O_EXCL and flags & os.O_NOFOLLOW for _, flags in ours)


def test_rotation_moves_all_values_to_a_new_key(place: Any) -> None:
    place.write(TEXT)
    sources = place.loader().sources
    rewrite.encrypt_file(sources)
    old = sources.key_store().find()
    assert old is not None
    ring = rewrite.rotate([sources])
    assert [key.id for key in ring.keys[1:]] == [old.active.id]
    tokens = sources.secrets().tokens
    assert {key_of(leaf.text) for leaf in tokens.values()} == {ring.active.id}
    assert secrets_of(place) == ["canary1", "canary2", "canary3"]


def test_several_files_share_the_new_key(place: Any, tmp_path: Path) -> None:
    place.write(TEXT)
    first = place.loader().sources
    from dataclasses import replace

    other = place.path.with_name("other.yaml")
    other.write_text("apis: {x: {provider: p, credentials: {api_key: canary4}}}\n")
    second = replace(first, path=other)
    rewrite.encrypt_file(first)
    rewrite.encrypt_file(second)
    ring = rewrite.rotate([first, second])
    assert other.read_text().count(ring.active.id) == 1
    assert place.path.read_text().count(ring.active.id) == 3


def test_an_old_key_is_retired_when_nothing_needs_it(place: Any) -> None:
    place.write(TEXT)
    sources = place.loader().sources
    rewrite.encrypt_file(sources)
    backup = place.path.read_text()
    ring = rewrite.rotate([sources])
    old = ring.keys[1].id
    place.write(backup)
    with pytest.raises(ConfigError, match=r"is needed by exchanges\.a\.api_key, .* rotate first"):
        rewrite.retire([sources], old)
    rewrite.rotate([sources])
    left = rewrite.retire([sources], old)
    assert left.find(old) is None
    assert secrets_of(place) == ["canary1", "canary2", "canary3"]
    with pytest.raises(ConfigError, match="is not here"):
        rewrite.retire([sources], old)
    with pytest.raises(ConfigError, match="is the one that encrypts"):
        rewrite.retire([sources], left.active.id)
    place.write(backup)
    with pytest.raises(ConfigError, match=f"encrypted with key {old}, which is not here"):
        place.loader(env={"NOT_SET_HERE": "x"}).load()


def test_keys_of_the_environment_are_changed_there(place: Any) -> None:
    old, new = new_key(), new_key()
    place.write(TEXT)
    place.env[KEY_VARIABLE] = KeyRing([old]).text()
    rewrite.encrypt_file(place.loader().sources)
    with pytest.raises(ConfigError, match="put a new key before it"):
        rewrite.rotate([place.loader().sources])
    place.env[KEY_VARIABLE] = f"{new.secret.reveal()},{old.secret.reveal()}"
    assert rewrite.rotate([place.loader().sources]).active.id == new.id
    place.env[KEY_VARIABLE] = new.secret.reveal()
    assert secrets_of(place) == ["canary1", "canary2", "canary3"]


def test_without_the_key_of_what_is_encrypted_no_other_one_is_made(place: Any) -> None:
    place.write(TEXT)
    rewrite.encrypt_file(place.loader().sources)
    text = place.path.read_text() + "  c: {name: C, api_key: canary4}\n"
    place.write(text)
    place.env["XDG_CONFIG_HOME"] = str(place.folder / "other")
    with pytest.raises(
        ConfigError, match=r":3: exchanges\.a\.api_key: is encrypted and there is no key: set "
    ) as caught:
        rewrite.encrypt_file(place.loader().sources)
    assert [problem.path for problem in caught.value.problems] == PATHS
    assert not (place.folder / "other").exists()
    assert place.path.read_text() == text


def test_a_value_that_does_not_decrypt_changes_nothing(place: Any) -> None:
    place.write(TEXT)
    sources = place.loader().sources
    rewrite.encrypt_file(sources)
    text = place.path.read_text().replace('api_key: "ENC[v1:', 'api_key: "ENC[v1:', 1)
    begin = text.index("bound:") + 10
    place.write(text[:begin] + ("A" if text[begin] != "A" else "B") + text[begin + 1 :])
    before, ring = place.path.read_text(), sources.key_store().find()
    for call in (lambda: rewrite.rotate([sources]), lambda: rewrite.encrypt_file(sources)):
        with pytest.raises(ConfigError, match=r":3: exchanges\.a\.api_key: was changed"):
            call()
    assert place.path.read_text() == before
    after = sources.key_store().find()
    assert ring is not None
    assert after is not None
    assert [key.id for key in after.keys] == [key.id for key in ring.keys]


def test_without_any_key_there_is_nothing_to_rotate(place: Any) -> None:
    place.write(TEXT)
    with pytest.raises(ConfigError, match="there is no key yet"):
        rewrite.rotate([place.loader().sources])


def test_a_file_that_changed_meanwhile_is_not_overwritten(place: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    place.write(TEXT)
    real = files.fingerprint

    def changed(path: Path) -> files.Fingerprint:
        place.write(TEXT + "# another editor was here\n")
        return real(path)

    monkeypatch.setattr(files, "fingerprint", changed)
    with pytest.raises(ConfigError, match="was changed meanwhile: try again"):
        rewrite.encrypt_file(place.loader().sources)
    assert place.path.read_text().endswith("# another editor was here\n")


def test_a_file_that_is_no_yaml_is_refused(place: Any) -> None:
    place.write("a: [")
    with pytest.raises(ConfigError, match="not valid YAML"):
        rewrite.encrypt_file(place.loader().sources)
