"""What was encrypted is not told, though its setting is no secret by itself."""

from __future__ import annotations

import pytest

from tradewire.config.concealed import Concealed
from tradewire.config.problem import Problem

URL = "wss://feed.example.com/ws/CANARY0123456789"


def problem(path: str, rule: str, value: str | None = None) -> Problem:
    return Problem("c.yaml", 3, path, value, rule)


@pytest.mark.parametrize(
    ("path", "rule", "told"),
    [
        ("p.url", f"no stream at {URL}", "no stream at ***"),
        ("p.url", "must be a host of v, not FEED.example.com", "must be a host of v, not ***"),
        ("elsewhere", "one key at wss://feed.example.com", "one key at wss://***"),
        ("p.url", "must begin with wss:// (unencrypted only on loopback)", None),
        ("p.symbols.[1]", "v has no AB", "v has no ***"),
        ("p.symbols.[1]", "v has no ABC", None),
        ("elsewhere", "v has no AB", None),
        ("elsewhere", "v has no LONGER", "v has no ***"),
    ],
)
def test_rules_do_not_repeat_it(path: str, rule: str, told: str | None) -> None:
    concealed = Concealed()
    concealed.add("p.url", URL)
    concealed.add("p.symbols", "AB, LONGER")
    assert concealed.told(problem(path, rule)).rule == (told or rule)


def test_a_value_at_its_path_is_not_shown() -> None:
    concealed = Concealed()
    concealed.add("p.symbols.[0]", "x")
    assert concealed.told(problem("p.symbols", "must be better", "x")).value is None
    assert concealed.told(problem("p.other", "must be better", "y")).value == "y"
    assert concealed.paths == {"p.symbols.[0]"}


def test_it_shows_nothing_itself() -> None:
    concealed = Concealed()
    concealed.add("p.url", URL)
    assert "CANARY" not in repr(vars(concealed))
