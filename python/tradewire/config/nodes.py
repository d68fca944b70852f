"""YAML and JSON text to nodes that know their lines. Gives values no types: the schema does (`convert.py`).

The only place that imports PyYAML. Nothing is constructed: tags, anchors and aliases are refused, so that a file can
neither make objects nor grow when it is read.
"""

from __future__ import annotations

import bisect
import functools
import json
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from .problem import Place, Problem

__all__ = ["Branch", "Items", "Leaf", "Node", "compose"]

_DEEPEST = 32
_LARGEST = 1 << 20
_NO_MAPPING = "must be a mapping with sections such as `streaming:` and `apis:`"
_BETWEEN = re.compile(r"[ \t\n\r]*")
_LITERAL = re.compile(r"[^\s,\]}]+")
_STRINGS = json.JSONDecoder()


@dataclass(slots=True)
class Leaf:
    """A scalar.

    Attributes:
        text: None for `null`. Not in the `repr`, which tracebacks with locals show: it may be a secret.
        place: where it was written.
        quoted: a quoted text, which is no number and no flag.
        given: from an environment variable or an argument, not from the file.
        span: of its characters in the file, quotes included; None: not from the file.
    """

    text: str | None = field(repr=False)
    place: Place
    quoted: bool = False
    given: bool = False
    span: tuple[int, int] | None = None


@dataclass(slots=True)
class Items:
    """A list."""

    items: list[Node]
    place: Place


@dataclass(slots=True)
class Branch:
    """A mapping; each key with the place of the key."""

    place: Place
    entries: dict[str, Node] = field(default_factory=dict)
    keys: dict[str, Place] = field(default_factory=dict)


Node = Leaf | Items | Branch


def compose(data: bytes, file: str) -> tuple[Branch, list[Problem]]:
    """The nodes of a file, and what is wrong with its text.

    Args:
        data: the whole file.
        file: its name; ending in `.json` it must be JSON, else it is YAML.
    """
    top = Branch(Place(file, 1))
    if len(data) > _LARGEST:
        return top, [_problem(file, None, f"must be {_LARGEST:,} bytes or less, has {len(data):,}")]
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        return top, [_problem(file, data.count(b"\n", 0, error.start) + 1, "must be UTF-8")]
    if not text.strip():
        return top, [_problem(file, None, "is empty; write at least one section, such as `environment: paper`")]
    if file.lower().endswith(".json"):
        wrong = _not_json(text, file)
        return (top, [wrong]) if wrong is not None else _Json(text, file, top).result()
    return _Composing(text, file, top).result()


def _not_json(text: str, file: str) -> Problem | None:
    try:
        json.loads(text)
    except json.JSONDecodeError as error:
        return _problem(file, error.lineno, f"is not valid JSON in column {error.colno}: {error.msg}")
    except (ValueError, RecursionError):
        return _problem(file, None, f"is not valid JSON: numbers or nesting (more than {_DEEPEST} levels) too large")
    return None


def _problem(file: str, line: int | None, rule: str) -> Problem:
    return Problem(file, line, "", None, rule)


def _twice(file: str, line: int | None, key: str, first: int | None) -> Problem:
    return _problem(file, line, f"{key!r} is written twice, first in line {first}: remove one")


class _Json:
    """Valid JSON, node by node. Not read as YAML, which folds lines in texts and knows other characters and limits."""

    def __init__(self, text: str, file: str, top: Branch) -> None:
        self._text, self._file, self._top = text, file, top
        self._at = 0
        self._lines = [found.start() for found in re.finditer("\n", text)]
        self._problems: list[Problem] = []

    def result(self) -> tuple[Branch, list[Problem]]:
        self._next()
        place = self._place()
        try:
            node = self._node(1)
        except RecursionError:
            return self._top, [_problem(self._file, None, f"is nested more than {_DEEPEST} levels deep")]
        if not isinstance(node, Branch):
            return self._top, [_problem(self._file, place.line, _NO_MAPPING)]
        return node, self._problems

    def _next(self) -> str:
        """The first character of what comes next; it is at `_at`."""
        found = _BETWEEN.match(self._text, self._at)
        self._at = found.end() if found else self._at
        return self._text[self._at : self._at + 1]

    def _place(self) -> Place:
        return Place(self._file, bisect.bisect_left(self._lines, self._at) + 1)

    def _node(self, depth: int) -> Node:
        if depth > _DEEPEST:
            raise RecursionError
        first, place, begin = self._next(), self._place(), self._at
        if first == "[":
            return Items([self._node(depth + 1) for _ in self._each("]")], place)
        if first == "{":
            return self._mapping(Branch(place), depth)
        if first == '"':
            return Leaf(self._string(), place, True, span=(begin, self._at))
        found = _LITERAL.match(self._text, begin)
        # Invariant: `json` has read it as well.
        assert found is not None  # noqa: S101
        self._at = found.end()
        return Leaf(None if found[0] == "null" else found[0], place, False, span=(begin, self._at))

    def _mapping(self, branch: Branch, depth: int) -> Branch:
        for _ in self._each("}"):
            place = self._place()
            key = self._string()
            # Of the colon.
            self._next()
            self._at += 1
            value = self._node(depth + 1)
            if key in branch.keys:
                self._problems.append(_twice(self._file, place.line, key, branch.keys[key].line))
            else:
                branch.keys[key], branch.entries[key] = place, value
        return branch

    def _each(self, end: str) -> Iterator[None]:
        """Stands before each entry of a list or a mapping, then behind its end."""
        self._at += 1
        while self._next() != end:
            yield
            if self._next() == ",":
                self._at += 1
        self._at += 1

    def _string(self) -> str:
        text, self._at = _STRINGS.raw_decode(self._text, self._at)
        return _whole(text)


@functools.cache
def _loader_class() -> Any:
    import yaml

    class Loader(yaml.SafeLoader):
        depth = 0

        def __init__(self, text: str) -> None:
            super().__init__(text)
            # Lines of tags that somebody wrote: in the nodes they look like those that YAML gives by itself.
            self.tagged: list[int] = []

        def compose_node(self, parent: Any, index: Any) -> Any:
            event: Any = self.peek_event()  # type: ignore[no-untyped-call]
            mark = event.start_mark
            if isinstance(event, yaml.AliasEvent) or event.anchor is not None:
                raise yaml.MarkedYAMLError(
                    problem="anchors and aliases are not used here: write it out", problem_mark=mark
                )
            if self.depth >= _DEEPEST:
                raise yaml.MarkedYAMLError(problem=f"is nested more than {_DEEPEST} levels deep", problem_mark=mark)
            if getattr(event, "tag", None) is not None:
                self.tagged.append(mark.line + 1)
            self.depth += 1
            found = super().compose_node(parent, index)
            self.depth -= 1
            return found

    return Loader


class _Composing:
    def __init__(self, text: str, file: str, top: Branch) -> None:
        self._text, self._file, self._top = text, file, top
        self._problems: list[Problem] = []

    def result(self) -> tuple[Branch, list[Problem]]:
        import yaml

        try:
            loader = _loader_class()(self._text)
            root = loader.get_single_node()
        except yaml.MarkedYAMLError as error:
            mark = error.problem_mark or error.context_mark
            line = mark.line + 1 if mark is not None else None
            return self._top, [_problem(self._file, line, f"is not valid YAML: {_wording(error.problem)}")]
        except (yaml.YAMLError, ValueError, OverflowError):
            # Characters that YAML forbids, or an escape beyond Unicode.
            return self._top, [_problem(self._file, None, "is not valid YAML: it has characters that are not text")]
        rule = "tags (`!...`) are not used here: write the value alone"
        self._problems += [_problem(self._file, line, rule) for line in loader.tagged]
        if not isinstance(root, yaml.MappingNode):
            return self._top, [
                _problem(self._file, root.start_mark.line + 1 if root is not None else None, _NO_MAPPING)
            ]
        node = self._node(root)
        return (node if isinstance(node, Branch) else self._top), self._problems

    def _place(self, node: Any) -> Place:
        return Place(self._file, node.start_mark.line + 1)

    def _node(self, node: Any) -> Node:
        import yaml

        place = self._place(node)
        if isinstance(node, yaml.ScalarNode):
            quoted = node.style is not None
            text = None if node.tag.endswith(":null") and not quoted else _whole(node.value)
            return Leaf(text, place, quoted, span=(node.start_mark.index, node.end_mark.index))
        if isinstance(node, yaml.SequenceNode):
            return Items([self._node(each) for each in node.value], place)
        branch = Branch(place)
        for key, value in self._entries(node):
            branch.keys[key.value] = self._place(key)
            branch.entries[key.value] = self._node(value)
        return branch

    def _entries(self, node: Any) -> Iterator[tuple[Any, Any]]:
        import yaml

        seen: dict[str, int] = {}
        for key, value in node.value:
            line = key.start_mark.line + 1
            if not isinstance(key, yaml.ScalarNode) or key.tag.endswith(":merge"):
                self._problems.append(_problem(self._file, line, "a key must be a name"))
            elif key.value in seen:
                self._problems.append(_twice(self._file, line, key.value, seen[key.value]))
            else:
                seen[key.value] = line
                yield key, value


def _wording(problem: str | None) -> str:
    """PyYAML's words, without the names that some of them quote from the file: such a name may be half a secret."""
    words = problem or "it cannot be read"
    if words == "but found another document":
        return "it holds a second document: remove the `---` before it, or put it into a file of its own"
    quotes_a_name = any(word in words for word in ("tag", "directive", "anchor", "alias"))
    return words.split("'", 1)[0].strip() if quotes_a_name else words


def _whole(text: str) -> str:
    r"""JSON writes characters beyond U+FFFF as two escapes (`\ud83d\ude00`); a lone half becomes a question mark."""
    if text.isascii():
        return text
    return text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")
