"""The numbers of a connection pool, from keyword arguments or from a configuration mapping. Checked, with units."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Any, Self

__all__ = ["PoolSettings"]


@dataclass(frozen=True, slots=True)
class PoolSettings:
    """Sizes and times of a `ConnectionPool`; names as in configuration files.

    Attributes:
        min_connections: opened at the start and kept; with 0 the first call opens one.
        max_connections: never more.
        health_check_interval: seconds between two pings of a connection.
        connection_timeout: seconds for opening a connection, for a ping, and for waiting until one is free.
        idle_timeout: seconds after which connections that nobody needed are closed, down to `min_connections`.

    Raises:
        ValueError: out of range; names the field, its value and the range.
    """

    min_connections: int = 3
    max_connections: int = 10
    health_check_interval: float = 30.0
    connection_timeout: float = 10.0
    idle_timeout: float = 60.0

    def __post_init__(self) -> None:
        for field in fields(self):
            value = getattr(self, field.name)
            whole = field.name in ("min_connections", "max_connections")
            if isinstance(value, bool) or not isinstance(value, int if whole else (int, float)):
                expected = "a whole number" if whole else "a number of seconds"
                raise TypeError(f"{field.name} must be {expected}, was {value!r}")
            least = 0 if field.name == "min_connections" else 1
            if whole and not least <= value <= 1000:
                raise ValueError(f"{field.name} must be {least}..1000, was {value}")
            if not whole and not (math.isfinite(value) and 0 < value <= 86_400):
                raise ValueError(f"{field.name} must be above 0 and at most 86400 seconds, was {value}")
        if self.min_connections > self.max_connections:
            sizes = f"{self.min_connections} > {self.max_connections}"
            raise ValueError(f"min_connections must not be above max_connections, was {sizes}")

    @classmethod
    def of(cls, mapping: Mapping[str, Any], **given: Any) -> Self:
        """From a mapping; arguments that are not None win over it.

        Raises:
            TypeError: not a mapping.
            ValueError: a key that is no setting; the message lists those there are.
        """
        if not isinstance(mapping, Mapping):
            raise TypeError(f"the settings of a pool must be a mapping, was {type(mapping).__name__}")
        names = [field.name for field in fields(cls)]
        unknown = sorted(set(mapping) - set(names))
        if unknown:
            raise ValueError(f"unknown connection pool setting {unknown[0]!r}; known are {', '.join(names)}")
        chosen = {name: value for name, value in given.items() if value is not None}
        return cls(**{**mapping, **chosen})
