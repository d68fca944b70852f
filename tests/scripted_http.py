"""An HTTP session whose answers are a script; the last one is given again and again."""

from __future__ import annotations

from collections.abc import Mapping

from tradewire.transport.http import HttpResponse


class Http:
    """Keeps what it was asked for: addresses and parameters."""

    def __init__(self, *answers: HttpResponse | Exception) -> None:
        self.answers = list(answers)
        self.asked: list[tuple[str, dict[str, str]]] = []

    def load(self) -> None: ...

    async def get(self, url: str, params: Mapping[str, str] | None = None) -> HttpResponse:
        self.asked.append((url, dict(params or {})))
        answer = self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]
        if isinstance(answer, Exception):
            raise answer
        return answer
