"""The hot core: decoding, rings, books, limits, histograms, signing. Native or pure, chosen once at import."""

from __future__ import annotations

from typing import Any

from ._select import BUILD, IMPLEMENTATION, IMPORT_ERROR, load, selected

Ring = selected.Ring
monotonic_ns = selected.monotonic_ns
wall_ns = selected.wall_ns


def _rebuild_event(name: str, values: tuple[Any, ...]) -> Any:
    """Unpickles an event, as the class of the running implementation."""
    made = getattr(selected, name)
    return made(**dict(zip(made.__match_args__, values, strict=True)))


__all__ = ["BUILD", "IMPLEMENTATION", "IMPORT_ERROR", "Ring", "load", "monotonic_ns", "wall_ns"]
