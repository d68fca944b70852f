"""An HTTP session whose answers are a script; the last one is given again and again. Not for real connections."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from tradewire.transport.http import HttpResponse


def answer(status: int = 200, body: Any = b"{}", **headers: str) -> HttpResponse:
    """A body that is no bytes goes as JSON; `retry_after` is the header `retry-after`."""
    content = body if isinstance(body, bytes) else json.dumps(body).encode()
    return HttpResponse(status, {name.replace("_", "-"): value for name, value in headers.items()}, content, 42)


class Http:
    """Keeps what it was asked for: addresses and parameters, and the headers of `request`."""

    def __init__(self, *answers: HttpResponse | Exception) -> None:
        self.answers = list(answers)
        self.asked: list[tuple[str, dict[str, str]]] = []
        self.headers: list[dict[str, str]] = []

    def load(self) -> None: ...

    async def get(self, url: str, params: Mapping[str, str] | None = None) -> HttpResponse:
        self.asked.append((url, dict(params or {})))
        answer = self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]
        if isinstance(answer, Exception):
            raise answer
        return answer

    async def request(
        self, method: str, url: str, params: Mapping[str, str] | None = None, *, headers: Mapping[str, str]
    ) -> HttpResponse:
        assert method == "GET"
        self.headers.append(dict(headers))
        return await self.get(url, params)
