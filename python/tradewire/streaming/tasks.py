"""Ends background tasks. Not for waiting until their work is done."""

from __future__ import annotations

import asyncio
from collections.abc import Collection

__all__ = ["end_all"]


async def end_all(tasks: Collection[asyncio.Task[None]]) -> None:
    """Cancels tasks and waits until they have ended; they may leave the collection meanwhile."""
    for task in tasks:
        task.cancel()
    if tasks:
        await asyncio.wait(tasks)
