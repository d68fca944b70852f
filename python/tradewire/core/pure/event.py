"""What all event classes share: frozen, equal by value, picklable. Not for their fields: `events` has those."""

from __future__ import annotations

from typing import Any, ClassVar, NoReturn, Self

from tradewire.core import record

from .fields import U8, U64, check_int, check_text

__all__ = ["Event"]


class Event:
    """Common to all events; the contract is `Event` in protocols.py."""

    __slots__ = ("event_ns", "flags", "recv_ns", "seq", "symbol", "venue")
    __match_args__: ClassVar[tuple[str, ...]]
    _derived: ClassVar[tuple[str, ...]] = ()

    symbol: str
    venue: str
    event_ns: int
    recv_ns: int
    seq: int
    flags: int

    def __init_subclass__(cls, *, final: bool = False) -> None:
        if not final:
            raise TypeError(f"type 'tradewire.core.{cls.__mro__[1].__name__}' is not an acceptable base type")
        cls.__module__ = "tradewire.core"

    def _set(self, **values: object) -> None:
        for name, value in values.items():
            object.__setattr__(self, name, value)

    def _header(
        self, symbol: str, venue: str, event_ns: int, recv_ns: int, seq: int, flags: int, own: int = 0, bits: int = 0
    ) -> None:
        """Checks and sets the common fields. The flag bits in `own` follow from other fields: `bits` is their value."""
        self._set(
            symbol=check_text("symbol", symbol),
            venue=check_text("venue", venue),
            event_ns=check_int("event_ns", event_ns),
            recv_ns=check_int("recv_ns", recv_ns),
            seq=check_int("seq", seq, U64),
            flags=check_int("flags", flags, U8) & ~(own | record.MORE) | bits,
        )

    def _values(self) -> tuple[Any, ...]:
        return tuple(getattr(self, name) for name in self.__match_args__)

    def __getitem__(self, name: str, /) -> Any:
        if name in self.__match_args__ or name in self._derived:
            return getattr(self, name)
        raise KeyError(name)

    def __eq__(self, other: object) -> bool:
        if type(self) is not type(other):
            return NotImplemented
        return self._values() == other._values()

    def __hash__(self) -> int:
        return hash((type(self).__name__, *self._values()))

    def __repr__(self) -> str:
        pairs = zip(self.__match_args__, self._values(), strict=True)
        return f"{type(self).__name__}({', '.join(f'{name}={value!r}' for name, value in pairs)})"

    def __reduce__(self) -> tuple[Any, ...]:
        from tradewire.core import _rebuild_event

        return (_rebuild_event, (type(self).__name__, self._values()))

    def __copy__(self) -> Self:
        return self

    def __deepcopy__(self, memo: Any, /) -> Self:
        return self

    def __setattr__(self, name: str, value: object) -> NoReturn:
        raise AttributeError(f"{type(self).__name__} is immutable: cannot set {name!r}")

    def __delattr__(self, name: str) -> NoReturn:
        raise AttributeError(f"{type(self).__name__} is immutable: cannot delete {name!r}")
