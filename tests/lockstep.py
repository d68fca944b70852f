"""Both cores' decoders side by side: everything that a caller can see of one, in a form that compares."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any, TypeAlias

from tradewire import core
from tradewire.core.plan import FieldPlan
from tradewire.errors import TradewireError

__all__ = ["Seen", "agree", "seen"]

RECV_NS = 1_700_000_000_000_000_000
Payload: TypeAlias = tuple[bytes, str | None]
Seen: TypeAlias = dict[str, Any]


def seen(name: str, plan: FieldPlan, payloads: Iterable[Payload], symbols: list[str] | None, capacity: int) -> Seen:
    """What core `name` makes of the payloads, as events and as records of a ring."""
    implementation = core.load(name)
    decoder, other = (implementation.Decoder(plan, symbols) for _ in range(2))
    ring = implementation.Ring(capacity)
    decoded: list[Any] = []
    written: list[Any] = []
    for number, (data, stream) in enumerate(payloads):
        recv_ns = RECV_NS + number
        decoded.append(_outcome(decoder.decode, data, recv_ns, stream))
        written.append(_outcome(other.decode_into, data, recv_ns, ring, stream))
        if number % 3 == 2:
            written.append(ring.drain(1 << 20).tobytes())
    return {
        "decoded": decoded,
        "written": written,
        "records": ring.drain(1 << 20).tobytes(),
        "counters": [list(each.counters.items()) for each in (decoder, other)],
        "quarantine": [each.quarantine for each in (decoder, other)],
        "symbols": [[each.symbols.lookup(at) for at in range(len(each.symbols))] for each in (decoder, other)],
    }


def agree(plan: FieldPlan, payloads: list[Payload], symbols: list[str] | None = None, capacity: int = 1 << 12) -> Seen:
    """Asserts that both cores see the same; what they see."""
    native = seen("native", plan, payloads, symbols, capacity)
    pure = seen("pure", plan, payloads, symbols, capacity)
    for part, expected in pure.items():
        if isinstance(expected, list) and len(expected) == len(payloads):
            for payload, one, other in zip(payloads, native[part], expected, strict=True):
                assert one == other, (part, payload)
        assert native[part] == expected, (part, payloads)
    return pure


def _outcome(call: Callable[..., Any], *arguments: Any) -> Any:
    try:
        result = call(*arguments)
    except TradewireError as error:
        return type(error), str(error), error.args, vars(error)
    if isinstance(result, list):
        # repr tells -0.0 from 0.0 and 1 from True, which == does not.
        return [repr(event) for event in result]
    return result
