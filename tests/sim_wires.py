"""A stream and a connection as the simulators' faults see them, with nothing behind."""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass(frozen=True)
class Named:
    """A stream."""

    name: str = "btcusdt@trade"
    channel: str = "trades"
    symbol: str = "BTCUSDT"


@dataclass(eq=False)
class Wire:
    """A connection that remembers what was done to it."""

    got: list[bytes] = field(default_factory=list)
    is_frozen: bool = False
    is_aborted: bool = False
    bytes_per_s: float | None = None

    def put(self, message: bytes) -> None:
        self.got.append(message)

    def freeze(self) -> None:
        self.is_frozen = True

    def thaw(self) -> None:
        self.is_frozen = False

    def drip(self, bytes_per_s: float | None) -> None:
        self.bytes_per_s = bytes_per_s

    def abort(self) -> None:
        self.is_aborted = True
