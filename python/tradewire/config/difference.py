"""Which settings differ between two configurations. Decides nothing about them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from .schema import Config
from .settings import Section, settings

__all__ = ["Change", "difference"]


@dataclass(frozen=True, slots=True)
class Change:
    """A reload that changed something.

    Attributes:
        old, new: whole configurations.
        paths: of every setting that differs; a provider or an entry that came or went counts as one path.
    """

    old: Config
    new: Config
    paths: frozenset[str]

    def touches(self, prefix: str) -> bool:
        """Whether a section or setting differs: `streaming`, `streaming.providers.alpaca`."""
        return any(path == prefix or path.startswith(f"{prefix}.") for path in self.paths)


def difference(old: Config, new: Config) -> frozenset[str]:
    """The paths of all settings that differ."""
    return frozenset(_paths(old, new, ""))


def _paths(old: Any, new: Any, path: str) -> Iterator[str]:
    if isinstance(old, Section) and type(old) is type(new):
        for name in settings(type(old)):
            yield from _paths(getattr(old, name), getattr(new, name), f"{path}.{name}" if path else name)
        return
    before, after = _entries(old), _entries(new)
    if before is None or after is None:
        if old != new:
            yield path
        return
    for name in {**before, **after}:
        if name not in before or name not in after:
            yield f"{path}.{name}"
        else:
            yield from _paths(before[name], after[name], f"{path}.{name}")
    # The order of providers is the order of connecting: it is a difference of the list.
    if list(before) != list(after) and before.keys() == after.keys() and isinstance(old, tuple):
        yield path


def _entries(value: Any) -> Mapping[str, Any] | None:
    if isinstance(value, Mapping):
        return value
    if isinstance(value, tuple) and value and all(isinstance(each, Section) for each in value):
        return {each.name: each for each in value}
    return {} if value == () else None
