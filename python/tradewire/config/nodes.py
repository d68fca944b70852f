"""YAML and JSON text to nodes that know their lines. Gives values no types: the schema does (`convert.py`).

The only place that imports PyYAML. Nothing is constructed: tags, anchors and aliases are refused, so that a file can
neither make objects nor grow when it is read.
"""

from __future__ import annotations

import functools
import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from .problem import Place, Problem

__all__ = ["Branch", "Items", "Leaf", "Node", "compose"]

_DEEPEST = 32
_LARGEST = 1 << 20


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
        if wrong is not None:
            return top, [wrong]
        # Tabs stand only between the tokens of valid JSON; YAML does not take them there.
        text = text.replace("\t", " ")
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
            rule = "must be a mapping with sections such as `streaming:` and `apis:`"
            return self._top, [_problem(self._file, root.start_mark.line + 1 if root is not None else None, rule)]
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
                rule = f"{key.value!r} is written twice, first in line {seen[key.value]}: remove one"
                self._problems.append(_problem(self._file, line, rule))
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
