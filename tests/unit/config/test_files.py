"""Files that may hold secrets."""

from __future__ import annotations

import os
import stat
import sys
import threading
from pathlib import Path

import pytest

from tradewire.config import files


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def test_read_whole(tmp_path: Path) -> None:
    path = tmp_path / "a"
    path.write_bytes(b"data")
    whole = files.read_whole(path)
    assert whole.data == b"data"
    assert whole.fingerprint == files.fingerprint(path)
    assert whole.status.st_size == 4


def test_what_cannot_be_read(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        files.read_whole(tmp_path / "none")
    with pytest.raises(OSError, match=r"directory|regular"):
        files.read_whole(tmp_path)
    with pytest.raises(OSError, match="not a regular file"):
        files.read_whole(Path(os.devnull))
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(OSError, match="not a regular file"):
        files.read_whole(tmp_path / "pipe")


def test_a_file_that_changes_while_it_is_read_is_not_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "a"
    path.write_bytes(b"data")
    sizes = iter(range(1000))
    real = os.fstat

    def changing(descriptor: int) -> os.stat_result:
        found = list(real(descriptor))
        found[stat.ST_SIZE] = next(sizes)
        return os.stat_result(found)

    monkeypatch.setattr(os, "fstat", changing)
    monkeypatch.setattr(files, "_PAUSE_S", 0)
    with pytest.raises(OSError, match="is being written all the time"):
        files.read_whole(path)


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux tells")
def test_a_file_that_is_open_for_writing_is_not_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(files, "_PAUSE_S", 0)
    path = tmp_path / "a"
    with path.open("w") as file:
        file.write("half")
        file.flush()
        with pytest.raises(OSError, match="close it in the program that has it open"):
            files.read_whole(path)
        file.write(" and half")
    assert files.read_whole(path).data == b"half and half"


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux tells")
def test_whoever_wants_to_write_waits_for_the_reading(tmp_path: Path) -> None:
    """A writer in another thread begins in the middle of the reading, and gets the file when it is done."""
    path = tmp_path / "a"
    path.write_text("old")
    order: list[str] = []
    descriptor = os.open(path, os.O_RDONLY)
    assert files._take_lease(descriptor)

    def write() -> None:
        with path.open("w") as file:
            order.append("written")
            file.write("new")

    writer = threading.Thread(target=write)
    writer.start()
    order.append(os.read(descriptor, 10).decode())
    files._give_back(descriptor)
    writer.join(20)
    os.close(descriptor)
    assert order == ["old", "written"]


def test_fingerprints(tmp_path: Path) -> None:
    path, link = tmp_path / "a", tmp_path / "link"
    assert files.fingerprint(path) is None
    path.write_text("1")
    first = files.fingerprint(path)
    link.symlink_to(path)
    assert files.fingerprint(link) == first
    other = tmp_path / "b"
    other.write_text("1")
    other.replace(path)
    second = files.fingerprint(path)
    assert second != first
    path.chmod(0o600)
    assert files.fingerprint(path) != second, "who may read it"


@pytest.mark.parametrize("bits", [0o640, 0o604, 0o620, 0o610, 0o644, 0o777])
def test_a_file_that_others_can_read_is_exposed(tmp_path: Path, bits: int) -> None:
    path = tmp_path / "a"
    path.touch()
    path.chmod(bits)
    assert "chmod 600" in (files.exposure(path.stat()) or "")
    with pytest.raises(PermissionError, match="chmod 600"):
        files.read_private(path)
    path.chmod(0o600)
    assert files.exposure(path.stat()) is None
    assert files.read_private(path) == b""


def test_a_file_of_another_user_is_exposed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "a"
    path.touch(mode=0o600)
    monkeypatch.setattr(os, "geteuid", lambda: path.stat().st_uid + 1)
    assert "belongs to user" in (files.exposure(path.stat()) or "")


def test_private_files_are_no_links(tmp_path: Path) -> None:
    path, link = tmp_path / "a", tmp_path / "link"
    path.touch(mode=0o600)
    link.symlink_to(path)
    with pytest.raises(OSError, match=r"symbolic|level"):
        files.read_private(link)
    with pytest.raises(FileExistsError):
        files.create_private(link, b"x")
    link.unlink()
    link.symlink_to(tmp_path / "nowhere")
    with pytest.raises(FileExistsError):
        files.create_private(link, b"x")
    assert not (tmp_path / "nowhere").exists()


def test_a_new_private_file(tmp_path: Path) -> None:
    before = os.umask(0)
    try:
        files.create_private(tmp_path / "a", b"x")
    finally:
        os.umask(before)
    assert mode(tmp_path / "a") == 0o600
    with pytest.raises(FileExistsError):
        files.create_private(tmp_path / "a", b"y")


def test_replace_is_private_and_leaves_nothing_behind(tmp_path: Path) -> None:
    path, link = tmp_path / "a", tmp_path / "link"
    path.write_text("old")
    path.chmod(0o644)
    link.symlink_to(path)
    files.replace(link, b"new")
    assert link.is_symlink()
    assert path.read_bytes() == b"new"
    assert mode(path) == 0o600
    assert sorted(each.name for each in tmp_path.iterdir()) == ["a", "link"]


def test_a_replacement_that_fails_leaves_the_old_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "a"
    path.write_text("old")

    def full(descriptor: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(OSError, match="No space"):
        files.replace(path, b"new")
    assert path.read_text() == "old"
    assert [each.name for each in tmp_path.iterdir()] == ["a"]


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux tells")
def test_who_writes(tmp_path: Path) -> None:
    path = tmp_path / "a"
    assert not files.being_written(path)
    path.touch()
    assert not files.being_written(path)
    with path.open("a"):
        assert files.being_written(path)
    assert not files.being_written(path)
    with path.open("rb"):
        assert not files.being_written(path)
