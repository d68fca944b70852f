"""Events as JSON, one object a line, for other programs. Not for recordings: those keep the venue's own bytes."""

from __future__ import annotations

import json
from dataclasses import fields, is_dataclass
from typing import Any

__all__ = ["field_names", "json_line"]

#: Beside what makes an event of the core, what it says in other words.
_DERIVED = {"Trade": ("buyer_is_maker",), "BookDelta": ("last_seq",), "BookSnapshot": ("last_seq", "partial")}


def field_names(kind: type[Any]) -> list[str]:
    """The fields of a class of events that a line holds; all but the live book of a `BookUpdate`."""
    if is_dataclass(kind):
        return [each.name for each in fields(kind) if each.name != "book"]
    return [*kind.__match_args__, *_DERIVED.get(kind.__name__, ())]


def json_line(event: Any) -> str:
    """`{"event": "Trade", "symbol": "BTCUSDT", ...}` without a line end, of whatever `gateway.events()` gives."""
    kind = type(event)
    return json.dumps({"event": kind.__name__} | {name: getattr(event, name) for name in field_names(kind)})
