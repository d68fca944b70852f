"""Controls the faults of a simulated venue in another process, over its `/sim/chaos` calls. Blocking; for tests."""

from __future__ import annotations

import json
from dataclasses import dataclass
from http.client import HTTPConnection
from typing import Any
from urllib.parse import urlsplit

__all__ = ["RemoteChaos", "RemoteFault"]

_PATH = "/sim/chaos"
_TIMEOUT_S = 10.0


@dataclass(frozen=True, slots=True)
class RemoteFault:
    """A fault of the other process: each property asks it anew.

    Attributes:
        chaos: where it runs.
        number: its number there.
    """

    chaos: RemoteChaos
    number: int

    @property
    def injected(self) -> int:
        """How often it did what it is for."""
        return int(self.chaos.ask("GET", f"/{self.number}")["injected"])

    @property
    def is_active(self) -> bool:
        """Whether it still may."""
        return bool(self.chaos.ask("GET", f"/{self.number}")["active"])

    def stop(self) -> None:
        """End it."""
        self.chaos.ask("DELETE", f"/{self.number}")


class RemoteChaos:
    """`RemoteChaos(rest_url).begin("mute trades BTCUSDT for 5s")`. Any thread; a connection per call.

    Args:
        rest_url: base of the venue's HTTP calls.
    """

    def __init__(self, rest_url: str) -> None:
        self._address = urlsplit(rest_url).netloc

    def begin(self, line: str) -> RemoteFault:
        """Begin the fault of a script line (without `at` and `every`).

        Raises:
            ValueError: the line describes no fault, or is `clear`, which is a method here.
            OSError: the venue does not answer.
        """
        if line.split()[:1] == ["clear"]:
            raise ValueError("'clear' begins no fault: call clear()")
        return RemoteFault(self, int(self.ask("POST", "", line)["number"]))

    def clear(self) -> None:
        """Stop every fault."""
        self.ask("DELETE", "")

    def faults(self) -> list[dict[str, Any]]:
        """All faults so far: number, fault, injected, active."""
        shown: list[dict[str, Any]] = self.ask("GET", "")
        return shown

    def ask(self, method: str, path: str, body: str | None = None) -> Any:
        """One call of the control interface; its JSON."""
        connection = HTTPConnection(self._address, timeout=_TIMEOUT_S)
        try:
            connection.request(method, _PATH + path, body=None if body is None else body.encode())
            response = connection.getresponse()
            answer = json.loads(response.read())
        finally:
            connection.close()
        if response.status >= 400:
            raise ValueError(answer["error"])
        return answer
