"""Keeps the secrets of the command's process: no core files, no keys in the environment. Not for the library."""

from __future__ import annotations

import contextlib
import os
import re
import sys

__all__ = ["forget_keys", "harden"]

#: How variables are called that hold secrets, ours and those that configurations put in with `${...}`.
_SECRET = re.compile(
    r"(?:.*_)?(?:API_?KEY|API_?SECRET|SECRET_?KEY|PRIVATE_?KEY|ACCESS_?KEY|CONFIG_KEY|SECRET|TOKEN|PASSWORD|PASSPHRASE)",
    re.IGNORECASE,
)
_PR_SET_DUMPABLE = 4


def harden() -> None:
    """No core file holds this process's memory, and (on Linux) no other process of the user reads it."""
    with contextlib.suppress(ImportError, OSError, ValueError):
        import resource

        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    if sys.platform == "linux":
        with contextlib.suppress(ImportError, OSError, AttributeError):
            import ctypes

            ctypes.CDLL(None, use_errno=True).prctl(_PR_SET_DUMPABLE, 0, 0, 0, 0)


def forget_keys() -> None:
    """Takes secrets out of the environment, so that no child process gets them; what was read stays known."""
    for name in [name for name in os.environ if _SECRET.fullmatch(name)]:
        del os.environ[name]
