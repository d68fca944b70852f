"""Text to nodes: lines, spans, and everything that is refused before the schema sees it."""

from __future__ import annotations

import ast
import json
from pathlib import Path

import pytest

import tradewire.config
from tradewire.config.nodes import Branch, Items, Leaf, Node, compose


def tree(text: str, file: str = "c.yaml") -> Branch:
    made, problems = compose(text.encode(), file)
    assert problems == []
    return made


def refusal(text: str | bytes, file: str = "c.yaml") -> tuple[int | None, str]:
    _, problems = compose(text if isinstance(text, bytes) else text.encode(), file)
    assert len(problems) == 1
    assert problems[0].file == file
    return problems[0].line, problems[0].rule


def test_lines_quotes_and_spans() -> None:
    text = 'a:\n  b: 1\n  c: "two"\nd: [x, ~]\n'
    made = tree(text)
    a, d = made.entries["a"], made.entries["d"]
    assert isinstance(a, Branch)
    assert isinstance(d, Items)
    b, c = a.entries["b"], a.entries["c"]
    assert isinstance(b, Leaf)
    assert isinstance(c, Leaf)
    assert (b.text, b.place.line, b.quoted) == ("1", 2, False)
    assert (c.text, c.place.line, c.quoted) == ("two", 3, True)
    assert c.span is not None
    assert text[slice(*c.span)] == '"two"'
    assert a.keys["c"].line == 3
    assert [item.text for item in d.items if isinstance(item, Leaf)] == ["x", None]


def test_texts_stay_as_they_are_written() -> None:
    made = tree("a: [no, 007, 1e3, 2026-01-01, 0x10]\n").entries["a"]
    assert isinstance(made, Items)
    assert [item.text for item in made.items if isinstance(item, Leaf)] == ["no", "007", "1e3", "2026-01-01", "0x10"]


def test_json_with_tabs_and_escapes() -> None:
    value = {"a": {"b": 'tab\t \U0001f600 " \\ / \x1f'}, "c": [1, True, None]}
    made = tree(json.dumps(value, indent="\t"), "c.json")
    a, c = made.entries["a"], made.entries["c"]
    assert isinstance(a, Branch)
    assert isinstance(c, Items)
    b = a.entries["b"]
    assert isinstance(b, Leaf)
    assert b.text == value["a"]["b"]  # type: ignore[index,call-overload]
    assert (b.place.line, b.quoted) == (3, True)
    assert [item.text for item in c.items if isinstance(item, Leaf)] == ["1", "true", None]


def plain(node: Node) -> object:
    if isinstance(node, Branch):
        return {key: plain(each) for key, each in node.entries.items()}
    return [plain(each) for each in node.items] if isinstance(node, Items) else node.text


@pytest.mark.parametrize(
    "text",
    [
        '{"a"\n:\r\n"x" , "b" : -0.0e+2,"c":[],"d":{},"e":[[1,{"f":null}],"]}"],"g":"\\"\\\\" }',
        '\ufeff\t{"line\u0085s": "one\u0085two\u2028three\x7f\u2029", "\\u00e4\\/": "\\ud83d\\ude00 \\n # : ${A}"}\n',
        '{"' + "k" * 5000 + '": true, "<<": {"=": "~"}}',
    ],
    ids=["everywhere", "characters", "keys"],
)
def test_json_is_what_json_says(text: str) -> None:
    def as_written(number: str) -> str:
        return number

    wanted = json.loads(text.removeprefix("\ufeff"), parse_int=as_written, parse_float=as_written)
    made = tree(text, "c.json")
    assert plain(made) == json.loads(json.dumps(wanted).replace("true", '"true"'))
    assert list(made.keys) == list(made.entries)


def test_lines_and_spans_of_json() -> None:
    text = '{"a":\n"x\u2028y", "b"\n: [1,\r\n"two"]}'
    made = tree(text, "c.json")
    a, b = made.entries["a"], made.entries["b"]
    assert isinstance(a, Leaf)
    assert isinstance(b, Items)
    assert (made.keys["a"].line, a.place.line, made.keys["b"].line, b.place.line) == (1, 2, 2, 3)
    leaves = [each for each in (a, *b.items) if isinstance(each, Leaf) and each.span is not None]
    assert [text[slice(*each.span or (0, 0))] for each in leaves] == ['"x\u2028y"', "1", '"two"']
    assert [(each.quoted, each.place.line) for each in leaves] == [(True, 2), (False, 3), (True, 4)]


@pytest.mark.parametrize(
    ("text", "line", "rule"),
    [
        ("", None, "is empty"),
        ("  \n", None, "is empty"),
        ("# only a note\n", None, "must be a mapping"),
        ("[1]", 1, "must be a mapping"),
        ("a: 1\nb: 'x", 2, "is not valid YAML"),
        ("a: 1\n b: 2", 2, "is not valid YAML"),
        ("a: 1\n---\nb: 2", 2, "is not valid YAML: it holds a second document: remove the `---` before it, or put it"),
        ("a: &x 1", 1, "anchors and aliases are not used here"),
        ("a: *x", 1, "anchors and aliases are not used here"),
        ("b: 1\n<<: {a: 1}", 2, "a key must be a name"),
        ("? [a]\n: 1", 1, "a key must be a name"),
        ("a: 1\nb: 2\na: 3", 3, "'a' is written twice, first in line 1: remove one"),
        ("x:\n  a: !!python/object/apply:os.system [ls]", 2, "tags (`!...`) are not used here"),
        ("a: !secret x", 1, "tags (`!...`) are not used here"),
        ("a:\n  !!int b_c: 1", 2, "tags (`!...`) are not used here"),
        ("a: !!int 5", 1, "tags (`!...`) are not used here"),
        ("a: !!seq [1]", 1, "tags (`!...`) are not used here"),
        ("a: " + "[" * 40, 1, "is nested more than 32 levels deep"),
        ("a: " + "{a: " * 5000, 1, "is nested more than 32 levels deep"),
        ('a: "\\Uffffffff"', None, "characters that are not text"),
        ("a: \x00", None, "characters that are not text"),
        (b"a: 1\nb: \xff", 2, "must be UTF-8"),
        ("a: " + "x" * (1 << 20), None, "must be 1,048,576 bytes or less"),
    ],
)
def test_what_is_refused(text: str | bytes, line: int | None, rule: str) -> None:
    found = refusal(text)
    assert found[0] == line
    assert rule in found[1]


@pytest.mark.parametrize(
    ("text", "line", "rule"),
    [
        ("{a: 1}", 1, "is not valid JSON in column 2: Expecting property name"),
        ('{"a": 1,\n "b" 2}', 2, "is not valid JSON in column 6"),
        ("[" * 100_000, None, "is not valid JSON"),
        ('{"a": ' + "9" * 5000 + "}", None, "is not valid JSON"),
        ('{"a": 1, "a": 2}', 1, "written twice"),
        ('{"a": 1,\n"a": 2}', 2, "'a' is written twice, first in line 1: remove one"),
        ('\n[{"a": 1}]', 2, "must be a mapping"),
        ("3", 1, "must be a mapping"),
        ('{"a":' * 40 + "1" + "}" * 40, None, "is nested more than 32 levels deep"),
    ],
)
def test_what_is_refused_of_json(text: str, line: int | None, rule: str) -> None:
    found = refusal(text, "c.json")
    assert found[0] == line
    assert rule in found[1]


def test_what_is_refused_is_not_quoted() -> None:
    """A secret that happens to begin with `*` is an alias for YAML, and its name would be in the message."""
    assert "canary" not in refusal("key: *canary")[1]
    assert "canary" not in refusal("key: !canary x")[1]
    assert "canary" not in refusal("key: 'canary")[1]
    assert "canary" not in refusal("key: !canary!x y")[1]
    assert "canary" not in refusal("%TAG !canary! a\n%TAG !canary! a\n--- {}\n")[1]


def test_a_byte_order_mark_is_no_matter() -> None:
    made, problems = compose(b"\xef\xbb\xbfa: 1", "c.yaml")
    assert problems == []
    assert list(made.entries) == ["a"]


FOLDER = Path(tradewire.config.__file__).parent


@pytest.mark.parametrize("path", sorted(FOLDER.glob("*.py")), ids=lambda path: path.name)
def test_nothing_in_this_room_can_run_what_a_file_says(path: Path) -> None:
    names = {node.id for node in ast.walk(ast.parse(path.read_text())) if isinstance(node, ast.Name)}
    attributes = {node.attr for node in ast.walk(ast.parse(path.read_text())) if isinstance(node, ast.Attribute)}
    assert not names & {"eval", "exec", "compile", "__import__", "pickle", "marshal", "subprocess"}
    assert not attributes & {
        "system",
        "popen",
        "Loader",
        "FullLoader",
        "UnsafeLoader",
        "construct_document",
        "get_data",
    }
    # The one module that is loaded by name has a fixed one.
    assert "import_module" not in attributes or path.name == "keys.py"
