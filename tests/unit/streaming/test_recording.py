"""Reading and writing recordings."""

from __future__ import annotations

import gzip
from pathlib import Path

import pytest

from tradewire.streaming.recording import DamagedRecordingError, Recording, RecordingWriter

SECOND = 1_000_000_000
LINES = [(1_723_161_255_030_314_667 + number, b'{"a":%d}' % number) for number in range(100)]


def write(path: Path, lines: list[tuple[int, bytes]], **options: float) -> RecordingWriter:
    with RecordingWriter(path, **options) as writer:  # type: ignore[arg-type]
        for line in lines:
            writer.write(*line)
    return writer


@pytest.mark.parametrize("name", ["capture.gz", "capture.txt"])
def test_what_is_written_is_read_back(tmp_path: Path, name: str) -> None:
    writer = write(tmp_path / name, LINES)
    assert writer.paths == [tmp_path / name]
    assert writer.messages == len(LINES)
    with Recording(tmp_path / name) as recording:
        assert list(recording) == LINES
        assert recording.position == recording.size


def test_packing_is_recognised_by_content(tmp_path: Path) -> None:
    path = tmp_path / "capture.log"
    path.write_bytes(gzip.compress(b"1723161255030314667 {}\r\n"))
    with Recording(path) as recording:
        assert list(recording) == [(1_723_161_255_030_314_667, b"{}")]


def test_line_breaks_between_tokens_become_blanks(tmp_path: Path) -> None:
    write(tmp_path / "capture", [(1, b'{\r\n"a": 1\n}')])
    assert (tmp_path / "capture").read_bytes() == b'1 {  "a": 1 }\n'


def test_nothing_is_overwritten(tmp_path: Path) -> None:
    write(tmp_path / "capture", LINES)
    with pytest.raises(FileExistsError):
        write(tmp_path / "capture", LINES)


def test_no_message_leaves_no_file(tmp_path: Path) -> None:
    write(tmp_path / "capture", [])
    assert not (tmp_path / "capture").exists()


def test_rotation_by_size(tmp_path: Path) -> None:
    writer = write(tmp_path / "capture.gz", LINES, rotate_bytes=700)
    assert len(writer.paths) == 4
    assert writer.paths[0].name == "capture-20240808T235415Z-0001.gz"
    read = []
    for path in writer.paths:
        with Recording(path) as recording:
            read += list(recording)
    assert read == LINES


def test_what_belongs_to_lines_before_it_stays_in_their_file(tmp_path: Path) -> None:
    with RecordingWriter(tmp_path / "capture", rotate_bytes=1) as writer:
        begun = [writer.write(1, b"{}"), writer.write(2, b"{}", may_rotate=False), writer.write(3, b"{}")]
    assert begun == [True, False, True]
    assert [path.read_bytes() for path in writer.paths] == [b"1 {}\n2 {}\n", b"3 {}\n"]


def test_rotation_by_time(tmp_path: Path) -> None:
    lines = [(LINES[0][0] + number * SECOND, b"{}") for number in range(10)]
    writer = write(tmp_path / "capture", lines, rotate_s=4)
    assert [path.name for path in writer.paths] == [
        "capture-20240808T235415Z-0001",
        "capture-20240808T235419Z-0002",
        "capture-20240808T235423Z-0003",
    ]


@pytest.mark.parametrize("line", [b"{}", b"12a {}", b"123 ", b"", b"-5 {}"])
def test_a_line_of_another_form_names_file_and_line(tmp_path: Path, line: bytes) -> None:
    path = tmp_path / "capture"
    path.write_bytes(b"1 {}\n" + line + b"\n")
    with (
        Recording(path) as recording,
        pytest.raises(ValueError, match=r"capture line 2: must be '<receive ns> <frame>'"),
    ):
        list(recording)


def test_a_cut_off_gzip_file(tmp_path: Path) -> None:
    write(tmp_path / "whole.gz", LINES)
    path = tmp_path / "cut.gz"
    path.write_bytes((tmp_path / "whole.gz").read_bytes()[:-20])
    with Recording(path) as recording, pytest.raises(DamagedRecordingError, match="the gzip file is damaged"):
        list(recording)


def test_a_gzip_file_broken_inside(tmp_path: Path) -> None:
    write(tmp_path / "whole.gz", LINES)
    packed = bytearray((tmp_path / "whole.gz").read_bytes())
    packed[40:60] = b"\xff" * 20
    path = tmp_path / "broken.gz"
    path.write_bytes(packed)
    with Recording(path) as recording, pytest.raises(DamagedRecordingError, match="the gzip file is damaged"):
        list(recording)
