"""Failures of sockets in words."""

from __future__ import annotations

import errno
import socket

import pytest

from tradewire.transport.failure import reason_of


@pytest.mark.parametrize(
    ("error", "text"),
    [
        (ConnectionResetError(errno.ECONNRESET, "Connection reset by peer"), "Connection reset by peer"),
        (socket.gaierror(-2, "Name or service not known"), "Name or service not known"),
        (OSError("Multiple exceptions: [Errno 111] one, [Errno 101] two"), "Multiple exceptions: one, two"),
        (ConnectionError(), "ConnectionError"),
    ],
)
def test_without_numbers(error: OSError, text: str) -> None:
    assert reason_of(error) == text
