"""Chooses the core once, at import: `TRADEWIRE_CORE=auto|native|pure`. Never swaps inside a running process."""

from __future__ import annotations

import importlib
import os
import warnings
from types import ModuleType

__all__ = ["BUILD", "IMPLEMENTATION", "IMPORT_ERROR", "load", "selected"]

_CHOICES = ("auto", "native", "pure")


def load(implementation: str) -> ModuleType:
    """The core of that name (`native` or `pure`), for tests and benchmarks only; both may be loaded side by side.

    Raises:
        ValueError: another name.
        ImportError: `native` is not built; the loader's reason follows.
    """
    if implementation == "pure":
        return importlib.import_module("tradewire.core.pure")
    if implementation != "native":
        raise ValueError(f"implementation must be 'native' or 'pure', was {implementation!r}")
    try:
        return importlib.import_module("tradewire.core._native")
    except ImportError as error:
        raise ImportError(
            f"the native core cannot be loaded: {error}. Build it with `make build`, or set TRADEWIRE_CORE=pure."
        ) from error


def _choose() -> tuple[ModuleType, str, str | None]:
    wanted = os.environ.get("TRADEWIRE_CORE", "auto")
    if wanted not in _CHOICES:
        raise ImportError(f"TRADEWIRE_CORE must be one of {', '.join(_CHOICES)}, was {wanted!r}")
    if wanted == "pure":
        return load("pure"), "pure", None
    try:
        return load("native"), "native", None
    except ImportError as error:
        if wanted == "native":
            raise
        warnings.warn(f"tradewire runs on its slow pure-Python core: {error}", RuntimeWarning, stacklevel=3)
        return load("pure"), "pure", str(error)


selected, IMPLEMENTATION, IMPORT_ERROR = _choose()

#: Version and build profile of the running core (`{"version": "0.1.0", "profile": "release"}`).
BUILD: dict[str, str] = {"version": selected.VERSION, "profile": selected.PROFILE}
