"""The hot core: decoding, rings, books, limits, histograms, signing. Native or pure, chosen once at import."""

from __future__ import annotations

from ._select import BUILD, IMPLEMENTATION, IMPORT_ERROR, load, selected

monotonic_ns = selected.monotonic_ns
wall_ns = selected.wall_ns

__all__ = ["BUILD", "IMPLEMENTATION", "IMPORT_ERROR", "load", "monotonic_ns", "wall_ns"]
