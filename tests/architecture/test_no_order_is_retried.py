"""No code path from the retry layer to an order: read from the sources, so that no configuration can change it."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

PACKAGE = Path(__file__).resolve().parents[2] / "python" / "tradewire"
RETRY = ("retrying", "retry", "Retrying", "RetryRun", "RetryPolicy", "RetryBudget", "Idempotent")
#: Parts of names of what creates or changes an order.
ORDER_WORDS = ("submit", "place_order", "create_order", "new_order", "amend", "replace_order", "modify_order", "post")


def _imported(tree: ast.AST) -> set[str]:
    names = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom):
            names |= {node.module or ""} | {alias.name for alias in node.names}
        elif isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
    return {part for name in names for part in name.split(".")}


def _uses_of_retries(tree: ast.AST) -> Iterator[ast.AST]:
    """Every function or class that names something of the retry layer."""
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            words = {one.id for one in ast.walk(node) if isinstance(one, ast.Name)}
            words |= {one.attr for one in ast.walk(node) if isinstance(one, ast.Attribute)}
            if words & set(RETRY):
                yield node


def _order_words(node: ast.AST) -> set[str]:
    names = {one.id for one in ast.walk(node) if isinstance(one, ast.Name)}
    names |= {one.attr for one in ast.walk(node) if isinstance(one, ast.Attribute)}
    return {name for name in names if any(word in name.lower() for word in ORDER_WORDS)}


def _offences(text: str) -> set[str]:
    tree = ast.parse(text)
    if not _imported(tree) & set(RETRY):
        return set()
    return set().union(*(_order_words(node) for node in _uses_of_retries(tree)))


@pytest.mark.parametrize("path", sorted(PACKAGE.rglob("*.py")), ids=lambda path: str(path.relative_to(PACKAGE)))
def test_who_repeats_does_not_touch_orders(path: Path) -> None:
    assert not _offences(path.read_text(encoding="utf-8"))


def test_the_retry_layer_imports_nothing_that_could_send() -> None:
    allowed = {
        "tradewire",
        "core",
        "errors",
        "policy",
        "retry",
        "stay_away",
        "transport",
        "counts",
        "asyncio",
        "random",
        "typing",
        "dataclasses",
        "collections",
        "abc",
        "__future__",
    }
    for name in ("transport/retrying.py", "transport/policy/retry.py"):
        tree = ast.parse((PACKAGE / name).read_text(encoding="utf-8"))
        modules = {
            part
            for node in ast.walk(tree)
            if isinstance(node, ast.ImportFrom)
            for part in (node.module or "").split(".")
        }
        assert modules <= allowed, name


def test_the_rule_has_teeth() -> None:
    bad = (
        "from tradewire.transport.retrying import Idempotent, Retrying\n"
        "async def send(api, order, retrying: Retrying):\n"
        "    return await retrying.run(Idempotent('GET', lambda: api.submit_order(order)))\n"
    )
    assert _offences(bad) == {"submit_order"}
