"""Problems and their wording."""

from __future__ import annotations

import pytest

from tradewire.config.problem import Place, Problem, nearest, place_in


@pytest.mark.parametrize(
    ("problem", "text"),
    [
        (Problem("c.yaml", 3, "a.b", "x", "must be y"), "c.yaml:3: a.b: must be y, was 'x'"),
        (Problem("c.yaml", None, "", None, "is empty"), "c.yaml: is empty"),
        (Problem("$TRADING_X", None, "x", None, "must be y"), "$TRADING_X: x: must be y"),
    ],
)
def test_a_problem_in_words(problem: Problem, text: str) -> None:
    assert str(problem) == text


def test_a_place_in_words() -> None:
    assert str(Place("c.yaml", 7)) == "c.yaml:7"
    assert str(Place("$X")) == "$X"


def test_the_nearest_name_or_all_of_them() -> None:
    assert nearest("streming", ["streaming", "apis"]) == "did you mean 'streaming'?"
    assert nearest("q", ["b", "a"]) == "known here: a, b"


def test_the_place_of_a_path_is_that_of_what_it_is_in() -> None:
    places = {"": Place("f", 1), "a": Place("f", 2), "a.b": Place("f", 3)}
    assert [place_in(places, path).line for path in ("a.b", "a.b.[1]", "a.c.d", "a", "x.y", "")] == [3, 3, 2, 2, 1, 1]
    assert place_in({}, "a.b") == Place("defaults")
