"""Recordings: one line `<receive time, ns since 1970> <frame>` per message, gzip or plain. Files only."""

from __future__ import annotations

import gzip
import zlib
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from types import TracebackType
from typing import IO, Self

__all__ = ["DamagedRecordingError", "Recording", "RecordingWriter"]

_GZIP = b"\x1f\x8b"
_BREAKS = bytes.maketrans(b"\r\n", b"  ")


class DamagedRecordingError(ValueError):
    """A recording that cannot be read on: a line of another form, or a gzip file that is cut off or broken."""


class Recording:
    """A recording to read, from its beginning.

    Args:
        path: gzip is recognised by its first bytes, not by name.

    Raises:
        OSError: cannot be read.

    Attributes:
        size: bytes of the file.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self.size = path.stat().st_size
        self._file: IO[bytes] = path.open("rb")
        packed = self._file.read(2) == _GZIP
        self._file.seek(0)
        self._lines: IO[bytes] = gzip.GzipFile(fileobj=self._file) if packed else self._file  # type: ignore[assignment]

    @property
    def position(self) -> int:
        """Bytes of the file read so far."""
        return self._file.tell()

    def __iter__(self) -> Iterator[tuple[int, bytes]]:
        """(receive time, frame) of each line.

        Raises:
            DamagedRecordingError: the next line cannot be read.
        """
        number = 0
        try:
            for number, line in enumerate(self._lines, 1):
                stamp, _, frame = line.rstrip(b"\r\n").partition(b" ")
                if not stamp.isdigit() or not frame:
                    raise DamagedRecordingError(
                        f"{self.path} line {number}: must be '<receive ns> <frame>', was {line[:40]!r}"
                    )
                yield int(stamp), frame
        except (EOFError, gzip.BadGzipFile, zlib.error) as error:
            text = f"{self.path} after line {number}: the gzip file is damaged: {error}"
            raise DamagedRecordingError(text) from error

    def close(self) -> None:
        """Closes the file."""
        self._lines.close()
        self._file.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


class RecordingWriter:
    """Writes a recording, into one file or a row of them. Never overwrites a file.

    Args:
        path: packed when it ends in `.gz`. With rotation, each file's name gets its start time and number before the
            suffix: `btc-20260102T030405Z-0001.gz`.
        rotate_bytes: begin a new file beyond this many bytes of lines (before packing); 0: never.
        rotate_s: begin a new file after this many seconds of receive time; 0: never.

    Raises:
        FileExistsError: a file of that name is there.

    Attributes:
        paths: files written, oldest first.
        messages: lines written.
    """

    def __init__(self, path: Path, *, rotate_bytes: int = 0, rotate_s: float = 0) -> None:
        self._path = path
        self._rotate_bytes = rotate_bytes
        self._rotate_ns = int(rotate_s * 1e9)
        self._rotating = rotate_bytes > 0 or rotate_s > 0
        self._file: IO[bytes] | None = None
        self._raw: IO[bytes] | None = None
        self._written = 0
        self._started_ns = 0
        self.paths: list[Path] = []
        self.messages = 0

    def write(self, recv_ns: int, frame: bytes, *, may_rotate: bool = True) -> bool:
        """Appends a message; line breaks inside it (white space between JSON tokens) become blanks.

        Args:
            recv_ns: ns since 1970.
            frame: the message.
            may_rotate: False for what belongs to lines that are in the file already, such as a snapshot.

        Returns:
            Whether it is the first line of a file.
        """
        begins = self._file is None or (may_rotate and self._is_full(recv_ns))
        if begins:
            self._open(recv_ns)
        line = b"%d %s\n" % (recv_ns, frame.translate(_BREAKS))
        assert self._file is not None  # noqa: S101 - opened above
        self._file.write(line)
        self._written += len(line)
        self.messages += 1
        return begins

    def close(self) -> None:
        """Finishes the last file."""
        file, self._file = self._file, None
        if file is not None:
            file.close()
            if self._raw is not None:
                self._raw.close()

    def _is_full(self, recv_ns: int) -> bool:
        if self._rotate_bytes and self._written >= self._rotate_bytes:
            return True
        return bool(self._rotate_ns) and recv_ns - self._started_ns >= self._rotate_ns

    def _open(self, recv_ns: int) -> None:
        self.close()
        path = self._path
        if self._rotating:
            stamp = datetime.fromtimestamp(recv_ns // 1_000_000_000, UTC).strftime("%Y%m%dT%H%M%SZ")
            path = path.with_name(f"{path.stem}-{stamp}-{len(self.paths) + 1:04d}{path.suffix}")
        raw = path.open("xb")
        # Level 1: packing must keep up with the stream; it costs a few percent of size.
        packed = path.suffix == ".gz"
        self._file = gzip.GzipFile(fileobj=raw, mode="wb", compresslevel=1) if packed else raw  # type: ignore[assignment]
        self._raw = raw
        self._written = 0
        self._started_ns = recv_ns
        self.paths.append(path)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()
