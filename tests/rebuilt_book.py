"""A second opinion on Binance's books: plain `json`, dicts of Decimal, the rules of the venue sheet written out.

Uses nothing of the package. Not for speed.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

__all__ = ["Rebuilt"]


@dataclass
class Rebuilt:
    """A book kept the plain way, by section 12 of the venue sheet."""

    linked: bool
    waiting: list[dict[str, Any]] = field(default_factory=list)
    sides: dict[str, dict[Decimal, Decimal]] = field(default_factory=dict)
    last_seq: int | None = None
    joined: bool = False
    diffs: int = 0
    stale: int = 0
    bridging: int = 0

    def frame(self, frame: bytes) -> dict[str, Any]:
        """Takes one recorded frame; its payload."""
        data: dict[str, Any] = json.loads(frame)
        data = data.get("data", data)
        if "lastUpdateId" in data:
            self.snapshot(data)
        elif data.get("e") == "depthUpdate":
            self.diff(data)
        return data

    def snapshot(self, data: dict[str, Any]) -> None:
        self.sides = {
            side: {Decimal(price): Decimal(quantity) for price, quantity in data[key]}
            for side, key in (("b", "bids"), ("a", "asks"))
        }
        self.last_seq = data["lastUpdateId"]
        for diff in self.waiting:
            self._apply(diff)

    def diff(self, data: dict[str, Any]) -> None:
        self.diffs += 1
        if self.last_seq is None:
            self.waiting.append(data)
        else:
            self._apply(data)

    def _apply(self, data: dict[str, Any]) -> None:
        assert self.last_seq is not None
        if data["u"] < self.last_seq + (not self.linked):
            assert not self.joined
            self.stale += 1
            return
        if not self.joined:
            wanted = self.last_seq + (not self.linked)
            assert data["U"] <= wanted <= data["u"]
            self.bridging += 1
        else:
            assert data["pu"] == self.last_seq if self.linked else data["U"] == self.last_seq + 1
        self.joined = True
        self.last_seq = data["u"]
        for side, levels in self.sides.items():
            for price, quantity in data[side]:
                if Decimal(quantity):
                    levels[Decimal(price)] = Decimal(quantity)
                else:
                    levels.pop(Decimal(price), None)

    def levels(self) -> tuple[list[tuple[float, float]], list[tuple[float, float]]]:
        bids, asks = self.sides["b"], self.sides["a"]
        ordered = sorted(bids.items(), reverse=True), sorted(asks.items())
        return tuple([(float(price), float(quantity)) for price, quantity in side] for side in ordered)  # type: ignore[return-value]

    def digest(self) -> str:
        bids, asks = sorted(self.sides["b"].items(), reverse=True), sorted(self.sides["a"].items())
        lines = [
            f"{name} {format(price.normalize(), 'f')} {format(quantity.normalize(), 'f')}"
            for name, side in (("B", bids), ("A", asks))
            for price, quantity in side
        ]
        return hashlib.sha256("\n".join(lines).encode()).hexdigest()[:16]
