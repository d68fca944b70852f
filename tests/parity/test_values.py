"""Values of payloads: what is kept of repeated keys."""

from __future__ import annotations

from tradewire.core.pure.values import Integer, Object


def test_the_last_of_repeated_keys_is_kept_and_the_others_counted() -> None:
    found = Object(0)
    for number in range(3):
        found.add("a", Integer(number, number))
    found.add("b", Integer(9, 9))
    assert found == Object(0, {"a": Integer(2, 2), "b": Integer(9, 9)}, {"a": 2})
