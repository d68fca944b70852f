"""The numbers and words that a gateway is given as arguments, checked by the settings that say the same in a
configuration. Addresses are checked in `transport.address`, names of channels and symbols by the venue.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tradewire.config.kinds import Kind

__all__ = ["check_arguments", "texts_of"]

#: Records: the longest message that needs no snapshot, 20 levels a side, fits at least; the core's ring has no more.
_RING_LEAST, _RING_MOST = 64, 1 << 26


def check_arguments(given: Mapping[str, object]) -> None:
    """Passes what a configuration could say too, and None.

    Args:
        given: value by argument; arguments that need no check of theirs may be among them.

    Raises:
        ValueError: names argument, value and what is allowed.
    """
    told = {name: given[name] for name in _NAMES if given.get(name) is not None}
    if not told:
        return
    kinds = _kinds()
    for name, value in told.items():
        _check(name, kinds[name], value)


def texts_of(name: str, given: Iterable[object]) -> list[str]:
    """What is given as several texts, each once; a single text is one of them.

    Args:
        name: of the argument.
        given: it.

    Raises:
        TypeError: names everything among them that is no text.
    """
    each = [given] if isinstance(given, str) else list(given)
    texts = [text for text in each if isinstance(text, str)]
    if len(texts) < len(each):
        others = ", ".join(repr(other) for other in each if not isinstance(other, str))
        raise TypeError(f"{name} must be texts, was {others}")
    return list(dict.fromkeys(texts))


_NAMES = ("ring_capacity", "queue_capacity", "stale_after_s", "open_timeout_s", "loop")


def _kinds() -> dict[str, Kind]:
    # Here and not above: a gateway that is told none of these does not pay for the configuration.
    from tradewire.config.kinds import Integer
    from tradewire.config.schema import ConnectionPoolConfig, ProviderConfig, StreamingConfig
    from tradewire.config.settings import settings

    return {
        "ring_capacity": Integer(_RING_LEAST, _RING_MOST, "records"),
        "queue_capacity": settings(StreamingConfig)["buffer_size"].kind,
        "stale_after_s": settings(ProviderConfig)["stale_after"].kind,
        "open_timeout_s": settings(ConnectionPoolConfig)["connection_timeout"].kind,
        "loop": settings(StreamingConfig)["loop"].kind,
    }


def _check(name: str, kind: Kind, value: object) -> None:
    from tradewire.config.kinds import Mapped

    if isinstance(kind, Mapped) and isinstance(value, Mapping):
        for key, each in value.items():
            _check(f"{name}.{key}", kind.item, each)
        return
    try:
        kind.check(value)
    except ValueError as error:
        raise ValueError(f"{name} {error}, was {value!r}") from None
