"""Whether a path names a value of the schema. Where values stand in a file is found by `convert.py`."""

from __future__ import annotations

from collections.abc import Iterator

from .kinds import Kind, Mapped, SecretText
from .problem import Problem, nearest
from .schema import Config
from .settings import NamedList, Nested, settings

__all__ = ["no_value_at"]


def no_value_at(path: str) -> Problem | None:
    """Why no value can stand at a path; None: one can. Entries may have any names that the schema allows.

    Args:
        path: such as `apis.alpaca.credentials.secret_key`; entries of lists by name (`streaming.providers.alpaca...`).
    """
    kind: Kind = Nested(Config)
    here = ""
    for word in path.split("."):
        above, here = here, f"{here}.{word}" if here else word
        if isinstance(kind, NamedList | Mapped):
            try:
                Mapped.name(word)
            except ValueError as error:
                return _problem(here, str(error))
            kind = Nested(kind.section) if isinstance(kind, NamedList) else kind.item
        elif isinstance(kind, Nested):
            known = settings(kind.section)
            if word not in known:
                return _problem(here, f"is unknown: {nearest(word, known)}")
            kind = known[word].kind
        else:
            return _problem(here, f"is unknown: {above} is a single value")
    if not isinstance(kind, Nested | Mapped):
        return None
    values = list(_values(kind, here))
    secrets = [name for name, found in values if isinstance(found, SecretText)]
    return _problem(path, f"holds several values; name one: {', '.join(secrets or [name for name, _ in values])}")


def _values(kind: Kind, path: str) -> Iterator[tuple[str, Kind]]:
    """Path and kind of every value at or below a path."""
    if isinstance(kind, NamedList):
        yield from _values(Nested(kind.section), f"{path}.NAME")
    elif isinstance(kind, Mapped):
        yield from _values(kind.item, f"{path}.NAME")
    elif isinstance(kind, Nested):
        for name, found in settings(kind.section).items():
            yield from _values(found.kind, f"{path}.{name}")
    else:
        yield path, kind


def _problem(path: str, rule: str) -> Problem:
    return Problem("argument", None, path, None, rule)
