"""Finds the streams for which our own side can build no message. Asks only the builder; knows no limits."""

from __future__ import annotations

from collections.abc import Callable

from tradewire.errors import RejectedError

from .stream_requests import Refusal

__all__ = ["MessageSearch"]


class MessageSearch:
    """A message that could not be built, halved until what is to blame stands alone: at most two calls a stream.

    Args:
        streams: of the message.
        why: it could not be built.
        build: a message for streams; raises RejectedError.

    Attributes:
        guilty: streams for which alone there is no message, and why.
        parts: the others, in groups for which there is one.
    """

    def __init__(self, streams: tuple[str, ...], why: str, build: Callable[[tuple[str, ...]], object]) -> None:
        self._build = build
        self.guilty: dict[str, Refusal] = {}
        self.parts: list[tuple[str, ...]] = []
        # The next one last.
        self._open: list[tuple[str, ...]] = []
        self._halve(streams, why)

    def step(self) -> bool:
        """Tries to build one message more.

        Returns:
            Whether there was one to try: when not, all is found.
        """
        if not self._open:
            return False
        streams = self._open.pop()
        try:
            self._build(streams)
        except RejectedError as error:
            self._halve(streams, str(error))
        else:
            self.parts.append(streams)
        return True

    def _halve(self, streams: tuple[str, ...], why: str) -> None:
        if len(streams) == 1:
            self.guilty[streams[0]] = Refusal(0, why)
        else:
            middle = len(streams) // 2
            self._open += (streams[middle:], streams[:middle])
