"""Environment variables and the `.env` file, and which setting a `TRADING_...` name means. Converts no values."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from .kinds import Kind, Mapped
from .nodes import Branch, Items, Leaf, Node
from .problem import Place, Problem
from .secret import Secret
from .settings import NamedList, Nested, settings

__all__ = ["PREFIX", "Variable", "Variables", "entries_of", "parse_env_file", "setting_of"]

PREFIX = "TRADING_"
#: What an environment name may call a top-level section beside its own name.
_ALIASES = {"CONNECTION": "connection_pool", "GLOBAL": "global_settings", "HEALTH": "streaming_health"}
_LINE = re.compile(r"(?:export\s+)?([A-Za-z_][A-Za-z0-9_]*)\s*=\s*(.*)")
_QUOTED = re.compile(r"""'([^']*)'|"((?:[^"\\]|\\.)*)\"""")
_ESCAPES = {"n": "\n", "t": "\t", "r": "\r", '"': '"', "\\": "\\", "$": "$"}


@dataclass(frozen=True, slots=True)
class Variable:
    """One variable; its value is kept as a secret, since many are."""

    value: Secret
    place: Place


class Variables:
    """The variables of the process over those of a `.env` file.

    Args:
        environment: of the process; copied, so that later reloads see what this process was started with.
    """

    def __init__(self, environment: Mapping[str, str]) -> None:
        self._own = {name: Variable(Secret(value), Place(f"${name}")) for name, value in environment.items()}
        self._file: dict[str, Variable] = {}

    def with_file(self, variables: Mapping[str, Variable]) -> Variables:
        """The same environment over another `.env` file."""
        made = Variables({})
        made._own, made._file = self._own, dict(variables)
        return made

    def get(self, name: str) -> str | None:
        """The value of a name."""
        found = self._own.get(name) or self._file.get(name)
        return None if found is None else found.value.reveal()

    def place(self, name: str) -> Place:
        """Where a name was set; also of one that is not."""
        found = self._own.get(name) or self._file.get(name)
        return Place(f"${name}") if found is None else found.place

    def named(self, prefix: str) -> dict[str, Variable]:
        """The variables whose names begin so, in order of their names."""
        both = {**self._file, **self._own}
        return {name: both[name] for name in sorted(both) if name.startswith(prefix)}

    def plain(self) -> dict[str, str]:
        """Names and values, for what looks keys up."""
        return {name: found.value.reveal() for name, found in self.named("").items()}


def parse_env_file(text: str, file: str) -> tuple[dict[str, Variable], list[Problem]]:
    """`NAME=value` lines: comments, `export`, quotes in the shell's way; nothing is put in or executed."""
    found: dict[str, Variable] = {}
    problems = []
    for number, line in enumerate(text.splitlines(), 1):
        stripped = line.strip()
        if not stripped or stripped.startswith("#"):
            continue
        match = _LINE.fullmatch(stripped)
        value = _value(match[2]) if match else None
        if match is None or value is None:
            problems.append(Problem(file, number, "", None, "must be NAME=value, quotes closed"))
        else:
            found[match[1]] = Variable(Secret(value), Place(file, number))
    return found, problems


def _value(text: str) -> str | None:
    if text[:1] in ("'", '"'):
        match = _QUOTED.match(text)
        if match is None or (text[match.end() :].strip() and not text[match.end() :].lstrip().startswith("#")):
            return None
        if match[1] is not None:
            return match[1]
        return re.sub(r"\\(.)", lambda escape: _ESCAPES.get(escape[1], escape[0]), match[2])
    return re.split(r"(?:^|\s)#", text, maxsplit=1)[0].strip()


def setting_of(name: str, top: Kind, node: Node | None) -> tuple[str, ...] | None:
    """The path that a `TRADING_...` name means: entries that the file names first, then new ones. None: no setting.

    Args:
        name: such as `TRADING_CONNECTION_MAX_CONNECTIONS`.
        top: kind of the whole configuration.
        node: the file's nodes.
    """
    words = name.removeprefix(PREFIX).split("_")
    alias = _ALIASES.get(words[0])
    found = next(_paths(top, node, words), None)
    if found is None and alias is not None:
        found = next(_paths(top, node, [*alias.upper().split("_"), *words[1:]]), None)
    return found


def _paths(kind: Kind, node: Node | None, words: list[str]) -> Iterator[tuple[str, ...]]:
    if isinstance(kind, NamedList):
        yield from _within(entries_of(node), Nested(kind.section), words)
    elif isinstance(kind, Nested):
        for setting in settings(kind.section).values():
            parts = setting.name.upper().split("_")
            if words[: len(parts)] == parts:
                child = node.entries.get(setting.name) if isinstance(node, Branch) else None
                for path in _paths(setting.kind, child, words[len(parts) :]):
                    yield (setting.name, *path)
    elif isinstance(kind, Mapped):
        yield from _within(entries_of(node), kind.item, words)
        for count in range(1, len(words) + 1):
            name = "_".join(words[:count]).lower()
            if re.match(r"[a-z]", name):
                for path in _paths(kind.item, None, words[count:]):
                    yield (name, *path)
    elif not words:
        yield ()


def entries_of(node: Node | None) -> Mapping[str, Node]:
    """The entries of a list or mapping, by name."""
    if isinstance(node, Items):
        return {_entry_name(item): item for item in node.items}
    return node.entries if isinstance(node, Branch) else {}


def _entry_name(node: Node) -> str:
    name = node.entries.get("name") if isinstance(node, Branch) else None
    return name.text or "" if isinstance(name, Leaf) else ""


def _within(entries: Mapping[str, Node], kind: Kind, words: list[str]) -> Iterator[tuple[str, ...]]:
    for name in sorted(entries, key=len, reverse=True):
        parts = name.upper().replace("-", "_").split("_")
        if name and words[: len(parts)] == parts:
            for path in _paths(kind, entries[name], words[len(parts) :]):
                yield (name, *path)
