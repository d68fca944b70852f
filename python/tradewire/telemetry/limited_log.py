"""Log lines that repeat per message, said at most once per interval with a count. Not a counter: those never skip."""

from __future__ import annotations

import logging

from tradewire.core import monotonic_ns

__all__ = ["LimitedLog"]


class LimitedLog:
    """Says a message at once, then at most every `interval_ns`, with how many were left out.

    Args:
        logger: where to.
        interval_ns: quiet time after each line, per key.
    """

    __slots__ = ("_interval_ns", "_logger", "_silenced")

    def __init__(self, logger: logging.Logger, interval_ns: int = 10_000_000_000) -> None:
        self._logger = logger
        self._interval_ns = interval_ns
        # key -> (quiet until, lines left out). Keys are names of callbacks and classes of errors: few.
        self._silenced: dict[str, tuple[int, int]] = {}

    def say(
        self, key: str, message: str, *args: object, error: BaseException | None = None, now_ns: int | None = None
    ) -> None:
        """Logs at WARNING unless `key` was logged less than an interval ago.

        Args:
            key: what counts as the same message.
            message: %-format, with `args`.
            args: for `message`.
            error: whose traceback is added.
            now_ns: monotonic time; None: now.
        """
        now = monotonic_ns() if now_ns is None else now_ns
        until, left_out = self._silenced.get(key, (now, 0))
        if now < until:
            self._silenced[key] = (until, left_out + 1)
            return
        self._silenced[key] = (now + self._interval_ns, 0)
        if left_out:
            message += " (and %d more like this)"
            args = (*args, left_out)
        self._logger.warning(message, *args, exc_info=error)
