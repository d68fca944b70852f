"""Credentials and plans."""

from __future__ import annotations

import pytest

from tradewire.sim.alpaca_accounts import Accounts


@pytest.mark.parametrize(
    ("key", "secret", "problem"),
    [("k", "s", None), ("k", "wrong", 402), ("other", "s", 402), ("", "", 402), (None, "s", 400), ("k", 7, 400)],
)
def test_credentials(key: object, secret: object, problem: int | None) -> None:
    assert Accounts({"k": "s"}).problem(key, secret) == problem


def test_anybody_by_default() -> None:
    accounts = Accounts()
    assert [accounts.problem("any", "pair"), accounts.problem("", "x")] == [None, 402]


def test_symbol_limit_of_the_free_plan() -> None:
    names = dict.fromkeys(f"S{number}" for number in range(30))
    basic = Accounts(plan="basic")
    assert not basic.is_over({"trades": names, "quotes": names, "bars": dict.fromkeys(["X", "*"])})
    assert basic.is_over({"trades": names, "quotes": {"ONE": None}})
    assert basic.is_over({"trades": {"*": None}})
    assert not Accounts().is_over({"trades": {"*": None}})
    assert (basic.calls_per_minute, Accounts().calls_per_minute) == (200, 10_000)


def test_unknown_plan() -> None:
    with pytest.raises(ValueError, match="plan must be one of basic, plus, was 'gold'"):
        Accounts(plan="gold")  # type: ignore[arg-type]
