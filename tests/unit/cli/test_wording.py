"""Counts with nouns, and what is said of failures."""

from __future__ import annotations

import errno
from collections.abc import Callable
from pathlib import Path

import pytest

from tradewire.cli.wording import counted, explained, nothing_received


def test_one_is_not_many() -> None:
    assert counted(1, "message") == "1 message"
    assert counted(1_200, "message") == "1,200 messages"
    assert counted(1, "control reply", "control replies") == "1 control reply"
    assert counted(0, "control reply", "control replies") == "0 control replies"


def _error(action: Callable[[], object]) -> OSError:
    with pytest.raises(OSError) as caught:  # noqa: PT011 - its text is what is under test
        action()
    return caught.value


def test_files(tmp_path: Path) -> None:
    there = tmp_path / "there"
    there.write_text("")
    assert explained(_error(lambda: there.open("x"))) == f"{there} exists and is never overwritten: choose another name"
    missing = tmp_path / "missing"
    assert explained(_error(missing.open)) == f"{missing} does not exist: check the name"
    folder = tmp_path / "no" / "file"
    assert (
        explained(_error(folder.open))
        == f"the folder {folder.parent} does not exist: check the name, or make the folder"
    )
    below = there / "file"
    assert explained(_error(below.open)) == f"the folder {there} is not a folder: check the name, or make the folder"
    for mode in ("r", "x"):
        assert explained(_error(lambda mode=mode: tmp_path.open(mode))) == (
            f"{tmp_path} is a folder: give the name of a file"
        )
    refused = PermissionError(errno.EACCES, "Permission denied", str(there))
    assert explained(refused) == f"no permission for {there}: check the rights of the file and of its folder"
    assert explained(OSError(errno.ENOSPC, "No space left", str(there))) == f"{there}: No space left"


@pytest.mark.parametrize(
    ("number", "text"),
    [
        (errno.EADDRINUSE, "port 9001 is in use: choose another --port, or 0 for free ones"),
        (errno.EACCES, "port 9001 needs rights that you do not have: choose another --port"),
        (errno.EADDRNOTAVAIL, "port 9001 cannot be used (error while attempting"),
    ],
)
def test_ports(number: int, text: str) -> None:
    error = OSError(number, "error while attempting to bind on address ('127.0.0.1', 9001): told by the system")
    assert explained(error).startswith(text)


def test_other_errors_speak_for_themselves() -> None:
    assert explained(ValueError("bad")) == "bad"
    assert explained(OSError("disk gone")) == "disk gone"


def test_silence() -> None:
    assert nothing_received("binance").startswith("nothing was received from binance; check the address")
    reason = "cannot connect to 127.0.0.1:9: Connection refused"
    text = nothing_received("ws://127.0.0.1:9", reason)
    assert text.startswith("nothing was received: cannot connect to 127.0.0.1:9: Connection refused; check")
    assert nothing_received("").startswith("nothing was received; check")
