"""Nodes to sections: walks a tree beside the schema, converts leaf by leaf, finds every problem. Reads no files."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any, Final

from tradewire.telemetry.origin import masked_address

from .concealed import Concealed
from .interpolation import interpolate
from .kinds import Kind, Listed, Mapped, SecretText
from .nodes import Branch, Items, Leaf, Node
from .problem import Place, Problem, nearest, place_in
from .secret import Secret
from .settings import NamedList, Nested, Section, Setting, conceal, holds_secrets, incomplete, settings

__all__ = ["INVALID", "Converter", "is_token", "put"]

#: In place of a value that could not be made; its problem is in the list.
INVALID: Final[Any] = object()

_TOKEN = re.compile(r"ENC\[[^\[\]]*\]")
_SHOWN = 60


def is_token(text: str) -> bool:
    """Whether a text is an encrypted value."""
    return _TOKEN.fullmatch(text) is not None


class Converter:
    """Converts one tree.

    Args:
        variable: value of an environment name; None when it is not set.
        decrypt: (token, path) -> text; raises ValueError, which says why not.

    Attributes:
        problems: all that were found.
        places: path -> where its value was written.
        literals: paths of secrets that stand in a file as they are.
        defaults: paths of secrets for which a default stands in a file, `${NAME:-default}`.
        tokens: path -> leaf of each encrypted value of a file.
        concealed: what was decrypted for settings that are not secret by themselves.
        secret_variables: names whose values went into secrets.
        sections: every section, by path; those with problems lack the settings that could not be read.
    """

    def __init__(self, variable: Callable[[str], str | None], decrypt: Callable[[str, str], str]) -> None:
        self._variable, self._decrypt = variable, decrypt
        self.problems: list[Problem] = []
        self.places: dict[str, Place] = {}
        self.literals: dict[str, Leaf] = {}
        self.defaults: list[str] = []
        self.tokens: dict[str, Leaf] = {}
        self.concealed = Concealed()
        self.secret_variables: set[str] = set()
        self.sections: dict[str, Section] = {}
        # Path -> text of values that a problem may show: of the file, no secrets, nothing put in.
        self._written: dict[str, str] = {}

    def section(self, cls: type[Section], node: Node, path: str = "") -> Any:
        """A section, which lacks what could not be read; INVALID: it is no mapping."""
        if not isinstance(node, Branch):
            return self._refuse(Nested(cls), path, node, f"must be {Nested(cls).allowed}")
        before = len(self.problems)
        self.places.setdefault(path, node.place)
        known = settings(cls)
        for key, place in node.keys.items():
            if key not in known:
                self._add(place, _join(path, key), None, f"is unknown: {nearest(key, known)}")
        values = {name: self._setting(found, node, path) for name, found in known.items()}
        good = {name: value for name, value in values.items() if value is not INVALID}
        made = cls(**good) if len(self.problems) == before else incomplete(cls, good)
        conceal(
            made,
            (
                name
                for name, found in known.items()
                if not _holds_sections(found.kind) and self.concealed.within(_join(path, name))
            ),
        )
        self.sections[path] = made
        for name, rule in made.rules():
            self.complain(_join(path, name), rule)
        return made

    def complain(self, path: str, rule: str) -> None:
        """Adds a problem at the place of a path, or of what it is in."""
        written = self._written.get(path)
        self._add(place_in(self.places, path), path, None if written is None else _shown(written), rule)

    def _setting(self, found: Setting, branch: Branch, path: str) -> Any:
        node = branch.entries.get(found.name)
        where = _join(path, found.name)
        if node is None:
            if found.required:
                self._add(branch.place, where, None, f"is missing: {found.kind.allowed} ({found.doc})")
                return INVALID
            return found.default()
        self.places[where] = branch.keys.get(found.name, node.place)
        # `apis:` with nothing behind it is an empty section; a number left out is a mistake unless it may be.
        may_be_empty = found.optional or (isinstance(found.kind, Nested | Mapped | Listed) and not found.required)
        if isinstance(node, Leaf) and node.text is None and may_be_empty:
            return found.default()
        return self._value(found.kind, node, where)

    def _value(self, kind: Kind, node: Node, path: str) -> Any:
        if isinstance(kind, NamedList):
            return self._named(kind, node, path)
        if isinstance(kind, Nested):
            return self.section(kind.section, node, path)
        if isinstance(kind, Mapped):
            return self._mapped(kind, node, path)
        if isinstance(kind, Listed):
            return self._listed(kind, node, path)
        if not isinstance(node, Leaf) or node.text is None:
            return self._refuse(kind, path, node, f"must be {kind.allowed}")
        return self._leaf(kind, node, node.text, path)

    def _named(self, kind: NamedList, node: Node, path: str) -> Any:
        if not isinstance(node, Items):
            return self._refuse(kind, path, node, f"must be {kind.allowed}")
        made, seen = [], set()
        for number, item in enumerate(node.items):
            name = item.entries.get("name") if isinstance(item, Branch) else None
            # In words without a name, since its place in the list may change.
            label = name.text if isinstance(name, Leaf) and name.text and "$" not in name.text else f"[{number}]"
            if label in seen:
                self._add(item.place, _join(path, label), None, "is written twice: give each its own name")
                label = f"[{number}]"
            seen.add(label)
            made.append(self.section(kind.section, item, _join(path, label)))
            if self.concealed.within(_join(path, f"{label}.name")):
                self._add(item.place, _join(path, f"{label}.name"), None, "is told everywhere: write it as it is")
        return INVALID if any(each is INVALID for each in made) else tuple(made)

    def _mapped(self, kind: Mapped, node: Node, path: str) -> Any:
        if not isinstance(node, Branch):
            return self._refuse(kind, path, node, f"must be {kind.allowed}")
        made = {}
        for key, child in node.entries.items():
            where = _join(path, key)
            self.places[where] = node.keys.get(key, child.place)
            try:
                Mapped.name(key)
            except ValueError as error:
                self._add(self.places[where], where, None, str(error))
                made[key] = INVALID
                continue
            made[key] = self._value(kind.item, child, where)
        good = {key: value for key, value in made.items() if value is not INVALID}
        # The other entries stay, for those who say what is wrong with them; but of half the sections, such as half the
        # credentials, nothing true can be said.
        return INVALID if len(good) < len(made) and isinstance(kind.item, Nested) else MappingProxyType(good)

    def _listed(self, kind: Listed, node: Node, path: str) -> Any:
        if isinstance(node, Leaf) and node.text is not None:
            text = self._resolve(kind, node, node.text, path)
            if text is INVALID:
                return INVALID
            if not node.given and text == node.text:
                return self._refuse(kind, path, node, f"must be {kind.allowed}")
            if text.lstrip().startswith("["):
                rule = "must be values with commas between them, without brackets and quotes: BTCUSDT,ETHUSDT"
                return self._refuse(kind, path, node, rule)
            items: list[Node] = [Leaf(each.strip(), node.place, given=True) for each in text.split(",") if each.strip()]
            node = Items(items, node.place)
        if not isinstance(node, Items):
            return self._refuse(kind, path, node, f"must be {kind.allowed}")
        made = []
        for number, item in enumerate(node.items):
            where = _join(path, f"[{number}]")
            self.places[where] = item.place
            value = self._value(kind.item, item, where)
            # The others keep their numbers, for those who say what is wrong with them.
            made.append("" if value is INVALID else value)
        return tuple(made)

    def _leaf(self, kind: Kind, leaf: Leaf, raw: str, path: str) -> Any:
        text = self._resolve(kind, leaf, raw, path)
        if text is INVALID:
            return INVALID
        as_written = text == raw and not leaf.given
        if leaf.quoted and not kind.quotable and as_written:
            return self._refuse(kind, path, leaf, f"must be {kind.allowed}, without quotes")
        if isinstance(kind, SecretText) and as_written and leaf.span is not None:
            self.literals[path] = leaf
        try:
            value = kind.read(text)
        except ValueError as error:
            return self._refuse(kind, path, leaf, str(error))
        if as_written and not isinstance(kind, SecretText):
            self._written[path] = raw
        return value

    def _resolve(self, kind: Kind, leaf: Leaf, raw: str, path: str) -> Any:
        """The text with its variables put in and decrypted, or INVALID."""
        text = raw
        if not leaf.given:
            put_in = interpolate(raw, self._variable)
            for name in put_in.missing:
                # A default would put the secret into the file.
                secret = isinstance(kind, SecretText)
                ways = "in the environment or in .env" if secret else f"or write ${{{name}:-a default}}"
                self._add(leaf.place, path, None, f"${name} is not set: set it, {ways}")
            if put_in.malformed:
                self._add(
                    leaf.place, path, None, "must name a variable as ${NAME} or ${NAME:-default}; $${ stands for ${"
                )
            if put_in.missing or put_in.malformed:
                return INVALID
            text = put_in.text
            if isinstance(kind, SecretText):
                self.secret_variables.update(put_in.names)
                if not all(is_token(default) for default in put_in.defaults):
                    self.defaults.append(path)
        elif isinstance(kind, SecretText) and leaf.place.file.startswith("$"):
            self.secret_variables.add(leaf.place.file[1:])
        if not is_token(text):
            return text
        if leaf.span is not None and text == raw:
            self.tokens[path] = leaf
        try:
            found = self._decrypt(text, path)
        except ValueError as error:
            self._add(leaf.place, path, None, str(error))
            return INVALID
        if not isinstance(kind, SecretText):
            self.concealed.add(path, found)
        return found

    def _refuse(self, kind: Kind, path: str, node: Node, rule: str) -> Any:
        """Adds a problem. Only what stands in a file is shown, as it stands there: never what a variable holds."""
        value = None
        if isinstance(node, Leaf) and not holds_secrets(kind) and not node.given and not is_token(node.text or ""):
            value = "nothing" if node.text is None else _shown(node.text)
        self._add(node.place, path, value, rule)
        return INVALID

    def _add(self, place: Place, path: str, value: str | None, rule: str) -> None:
        self.problems.append(Problem(place.file, place.line, path, value, rule))


def _holds_sections(kind: Kind) -> bool:
    return isinstance(kind, Nested) or (isinstance(kind, Mapped) and isinstance(kind.item, Nested))


def _shown(text: str) -> str:
    """What a problem shows of a value: no user and key that stand in an address."""
    from tradewire.telemetry.redaction import redacted

    return redacted(masked_address(text) if "://" in text else text)[:_SHOWN]


def _join(path: str, name: str) -> str:
    return f"{path}.{name}" if path else name


def put(tree: Branch, path: tuple[str, ...], node: Node) -> None:
    """Sets a node in a tree, making the branches on the way. What the file has in a wrong form is left as it is.

    Args:
        tree: changed in place.
        path: entries of a list of sections are named.
        node: the value.
    """
    here: Node = tree
    for name in path[:-1]:
        if isinstance(here, Items):
            here = next((item for item in here.items if _named(item, name)), here)
            if isinstance(here, Items):
                return
            continue
        if not isinstance(here, Branch):
            return
        child = here.entries.get(name)
        if child is None or (isinstance(child, Leaf) and child.text is None):
            child = here.entries[name] = Branch(node.place)
            here.keys.setdefault(name, node.place)
        here = child
    if isinstance(here, Branch):
        here.entries[path[-1]] = node
        here.keys[path[-1]] = node.place


def _named(node: Node, name: str) -> bool:
    found = node.entries.get("name") if isinstance(node, Branch) else None
    return isinstance(found, Leaf) and found.text == name


def tree_of(values: Mapping[str, object], place: Place) -> list[tuple[tuple[str, ...], Node]]:
    """Arguments as nodes: `{"connection_pool.max_connections": 20}`, or the same nested."""
    found: list[tuple[tuple[str, ...], Node]] = []
    for key, value in values.items():
        path = tuple(key.split("."))
        if isinstance(value, Mapping):
            found += [((*path, *rest), node) for rest, node in tree_of(value, place)]
        else:
            found.append((path, _node_of(value, place)))
    return found


def _node_of(value: object, place: Place) -> Node:
    if isinstance(value, list | tuple):
        return Items([_node_of(each, place) for each in value], place)
    if isinstance(value, Mapping):
        branch = Branch(place)
        for path, node in tree_of(value, place):
            put(branch, path, node)
        return branch
    if value is None:
        return Leaf(None, place, given=True)
    if isinstance(value, Secret):
        return Leaf(value.reveal(), place, given=True)
    if isinstance(value, bool):
        return Leaf(str(value).lower(), place, given=True)
    return Leaf(str(value), place, given=True)
