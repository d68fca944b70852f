"""What is wrong with a configuration: one `Problem` each, with its place. Never holds a secret."""

from __future__ import annotations

import difflib
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass

__all__ = ["Place", "Problem", "located", "nearest", "place_in"]


@dataclass(frozen=True, slots=True)
class Place:
    """Where a value was written.

    Attributes:
        file: its path; `$NAME` for an environment variable; `argument` for one given to the loader.
        line: counted from 1; None where there are no lines.
    """

    file: str
    line: int | None = None

    def __str__(self) -> str:
        return self.file if self.line is None else f"{self.file}:{self.line}"


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing that is wrong.

    Attributes:
        file: its path; `$NAME` for an environment variable; `argument` for one given to the loader.
        line: counted from 1; None where there are no lines.
        path: of the setting, such as `connection_pool.max_connections`; empty for the file as a whole.
        value: as it was written; None when there is none to show, or when it is or may be secret.
        rule: what is allowed, or what to do next.
    """

    file: str
    line: int | None
    path: str
    value: str | None
    rule: str

    def __str__(self) -> str:
        where = Place(self.file, self.line)
        what = f"{where}: {self.path}: {self.rule}" if self.path else f"{where}: {self.rule}"
        return what if self.value is None else f"{what}, was {self.value!r}"


def place_in(places: Mapping[str, Place], path: str) -> Place:
    """Where a path, or what it is in, was written."""
    while path and path not in places:
        path = path.rpartition(".")[0]
    return places.get(path, Place("defaults"))


def located(found: Iterable[tuple[str, str]], place: Callable[[str], Place]) -> list[Problem]:
    """Problems of (path, what is wrong) pairs, in the order of their lines.

    Args:
        found: the pairs.
        place: where a path was written.
    """
    problems = []
    for path, rule in found:
        where = place(path)
        problems.append(Problem(where.file, where.line, path, None, rule))
    return sorted(problems, key=lambda each: (each.file, each.line or 0))


def nearest(name: str, known: Iterable[str]) -> str:
    """` Did you mean 'x'?` for the known name that looks most like it, else a list of the known ones."""
    names = list(known)
    found = difflib.get_close_matches(name, names, n=1, cutoff=0.6)
    if found:
        return f"did you mean {found[0]!r}?"
    return f"known here: {', '.join(sorted(names))}"
