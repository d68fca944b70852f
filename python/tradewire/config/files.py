"""Files that may hold secrets: who may read them, reading them whole, replacing them at once. Knows no format."""

from __future__ import annotations

import contextlib
import os
import secrets
import stat
import time
from dataclasses import dataclass
from pathlib import Path

__all__ = [
    "Fingerprint",
    "being_written",
    "create_private",
    "exposure",
    "fingerprint",
    "read_private",
    "read_whole",
    "replace",
]

#: (device, inode, bytes, time of change in ns, mode, owner) of a file; None: there is none.
Fingerprint = tuple[int, int, int, int, int, int] | None

_NO_FOLLOW = getattr(os, "O_NOFOLLOW", 0)
_NO_WAIT = getattr(os, "O_NONBLOCK", 0)
_TRIES, _PAUSE_S = 50, 0.01


@dataclass(frozen=True, slots=True)
class Whole:
    """A file read whole.

    Attributes:
        data: its bytes.
        fingerprint: of what was read.
        status: as the system tells it.
    """

    data: bytes
    fingerprint: Fingerprint
    status: os.stat_result


def fingerprint(path: Path) -> Fingerprint:
    """What changes when a file does, a link on the way to it, or who may read it."""
    try:
        return _fingerprint(path.stat())
    except OSError:
        return None


def _fingerprint(status: os.stat_result) -> tuple[int, int, int, int, int, int]:
    return (status.st_dev, status.st_ino, status.st_size, status.st_mtime_ns, status.st_mode, status.st_uid)


def read_whole(path: Path) -> Whole:
    """Reads a file that nobody writes meanwhile; waits half a second for whoever does.

    Raises:
        OSError: it cannot be read, or is being written all the time.
    """
    for _ in range(_TRIES):
        # A pipe would be waited for.
        with open(path, "rb", opener=lambda name, flags: os.open(name, flags | _NO_WAIT)) as file:
            before = os.fstat(file.fileno())
            if not stat.S_ISREG(before.st_mode):
                raise OSError(None, "is not a regular file", str(path))
            if _take_lease(file.fileno()):
                data = file.read()
                _give_back(file.fileno())
                after = os.fstat(file.fileno())
                if _fingerprint(before) == _fingerprint(after) and len(data) == after.st_size:
                    return Whole(data, _fingerprint(after), after)
        time.sleep(_PAUSE_S)
    raise OSError(None, "is being written all the time: close it in the program that has it open", str(path))


def being_written(path: Path) -> bool:
    """Whether somebody has a file open for writing. Only Linux tells, and only of one's own files; elsewhere False."""
    try:
        descriptor = os.open(path, os.O_RDONLY | _NO_WAIT)
    except OSError:
        return False
    try:
        return not _take_lease(descriptor)
    finally:
        os.close(descriptor)


def _take_lease(descriptor: int) -> bool:
    """False: somebody has the file open for writing. True: nobody does, or the system does not tell.

    While the lease is held, who opens the file for writing waits for it to be given back, or for the descriptor to be
    closed: what is read meanwhile is whole, even where the file's time is too coarse to show a change.
    """
    try:
        import fcntl
        import signal

        take, signal_by = fcntl.F_SETLEASE, fcntl.F_SETSIG
    except (ImportError, AttributeError):
        return True
    try:
        # The system announces a writer by SIGIO, which would end the process; SIGURG is ignored by default.
        fcntl.fcntl(descriptor, signal_by, signal.SIGURG)
        fcntl.fcntl(descriptor, take, fcntl.F_RDLCK)
    except BlockingIOError:
        return False
    except OSError:
        # Somebody else's file, or a file system without leases.
        return True
    return True


def _give_back(descriptor: int) -> None:
    with contextlib.suppress(ImportError, AttributeError, OSError):
        import fcntl

        fcntl.fcntl(descriptor, fcntl.F_SETLEASE, fcntl.F_UNLCK)


def exposure(status: os.stat_result) -> str | None:
    """Who else could read or own a file, and what to do; None: nobody."""
    if not hasattr(os, "geteuid"):
        return None
    if status.st_uid != os.geteuid():
        return f"belongs to user {status.st_uid}, not to the user who runs this ({os.geteuid()}): chown it"
    if status.st_mode & 0o077:
        return f"can be read or written by others (mode {stat.S_IMODE(status.st_mode):04o}): chmod 600"
    return None


def read_private(path: Path) -> bytes:
    """Reads a file that only its owner may read.

    Raises:
        OSError: it is a link, no regular file, readable by others, or somebody else's.
    """
    descriptor = os.open(path, os.O_RDONLY | _NO_FOLLOW | getattr(os, "O_CLOEXEC", 0))
    with os.fdopen(descriptor, "rb") as file:
        status = os.fstat(file.fileno())
        wrong = exposure(status) if stat.S_ISREG(status.st_mode) else "is not a regular file"
        if wrong is not None:
            raise PermissionError(None, wrong, str(path))
        return file.read()


def create_private(path: Path, data: bytes) -> None:
    """Makes a file that only its owner may read, on disk when this returns.

    Raises:
        FileExistsError: it exists, or is a link.
    """
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | _NO_FOLLOW | getattr(os, "O_CLOEXEC", 0)
    with os.fdopen(os.open(path, flags, 0o600), "wb") as file:
        file.write(data)
        file.flush()
        os.fsync(file.fileno())


def replace(path: Path, data: bytes) -> None:
    """Replaces a file at once, with one that only its owner may read: readers see the old one or the new one.

    A link stays a link; the file that it leads to is replaced.
    """
    path = path.resolve()
    temporary = path.with_name(f".{path.name}.{secrets.token_hex(8)}")
    try:
        create_private(temporary, data)
        temporary.replace(path)
    except BaseException:
        with contextlib.suppress(OSError):
            temporary.unlink()
        raise
    with contextlib.suppress(OSError):
        folder = os.open(path.parent, os.O_RDONLY)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)
