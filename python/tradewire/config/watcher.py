"""Says when files changed and are whole again. Knows nothing of what is in them; alone imports watchfiles.

Folders are watched, not files: an atomic rename, a swapped link (also of a folder on the way, as Kubernetes does) and a
file made anew are all seen there. A file that somebody still has open for writing is waited for.
"""

from __future__ import annotations

import asyncio
import logging
import os
from collections.abc import Awaitable, Callable
from pathlib import Path

from .files import Fingerprint, being_written, fingerprint

__all__ = ["Watcher", "folders_of"]

_logger = logging.getLogger(__name__)
#: Between looks at a file that is being written or gone; and for how long.
_LOOK_S, _PATIENCE_S = 0.05, 10.0
#: For a file that need not exist: as long as a program may take to delete it and make it anew.
_OPTIONAL_PATIENCE_S = 0.5
#: A file must stay as it is for this long, where the system does not tell whether somebody is writing.
_QUIET_S = 0.1
#: watchfiles looks at its folders anew after this long even without an event.
_AT_LEAST_MS = 5_000


def folders_of(path: Path) -> frozenset[Path]:
    """Where a change can make a path lead elsewhere: the folder of each link on the way, and that of the file."""
    found: set[Path] = set()
    todo = list(Path(os.path.abspath(path)).parts)
    here = Path(todo.pop(0))
    links = 0
    while todo:
        step = here / todo.pop(0)
        if step.is_symlink() and links < 40:
            links += 1
            found.add(here)
            target = Path(os.path.normpath(here / os.readlink(step)))
            todo = [*target.parts[1:], *todo]
            here = Path(target.anchor)
        else:
            here = step
    found.add(here.parent)
    return frozenset(folder for folder in found if folder.is_dir())


class Watcher:
    """Calls back after files changed, once they are whole.

    Args:
        paths: of the files; they need not exist.
        on_change: awaited, with whether the files are as they were; must not raise. Says whether all is well; where
            not, it is asked again every few seconds, since what was wrong may be mended elsewhere, such as in the file
            of a key.
        known: fingerprints of what was read last, in the order of `paths`.
        optional: those of `paths` without which all may be well.
    """

    def __init__(
        self,
        paths: tuple[Path, ...],
        on_change: Callable[[bool], Awaitable[bool]],
        known: tuple[Fingerprint, ...],
        optional: frozenset[Path] = frozenset(),
    ) -> None:
        self._paths, self._on_change, self._known, self._optional = paths, on_change, known, optional
        #: Since when it is not well, or was looked at again last.
        self._unwell_s: float | None = None
        self._stopping = asyncio.Event()
        self._task: asyncio.Task[None] | None = None

    def start(self) -> None:
        """Begins, in the running loop."""
        self._task = asyncio.create_task(self._run(), name="tradewire-config-watcher")

    async def stop(self) -> None:
        """Ends; returns when the task and its thread have, or at once when called from within `on_change`."""
        self._stopping.set()
        task, self._task = self._task, None
        if task is not None and task is not asyncio.current_task():
            await asyncio.gather(task, return_exceptions=True)

    async def _run(self) -> None:
        from watchfiles import awatch

        polling = False
        while not self._stopping.is_set():
            folders = self._folders()
            try:
                # What changed before the watch began is found by looking once at its beginning.
                await self._look()
                async for _ in awatch(
                    *folders,
                    watch_filter=None,
                    debounce=100,
                    step=20,
                    stop_event=self._stopping,
                    rust_timeout=_AT_LEAST_MS,
                    yield_on_timeout=True,
                    recursive=False,
                    force_polling=polling or None,
                ):
                    await self._look()
                    if self._folders() != folders:
                        break
            except (OSError, RuntimeError) as error:
                if self._stopping.is_set():
                    return
                # Such as the system's limit on watches: polling needs none.
                _logger.warning("watching %s by polling: %s", ", ".join(map(str, folders)), error)
                if polling:
                    await asyncio.sleep(_PATIENCE_S)
                polling = True

    def _folders(self) -> frozenset[Path]:
        return frozenset().union(*(folders_of(path) for path in self._paths))

    def _fingerprints(self) -> tuple[Fingerprint, ...]:
        return tuple(fingerprint(path) for path in self._paths)

    async def _look(self) -> None:
        now_s, unwell_s = asyncio.get_running_loop().time(), self._unwell_s
        again = self._fingerprints() == self._known
        if again and (unwell_s is None or now_s - unwell_s < _AT_LEAST_MS / 2_000):
            return
        if not await self._whole():
            return
        self._known = self._fingerprints()
        all_well = await self._on_change(again)
        self._unwell_s = None if all_well else asyncio.get_running_loop().time()

    async def _whole(self) -> bool:
        """Waits until nobody writes and the files that were there are there; False: stopped."""
        clock = asyncio.get_running_loop().time
        began_s = clock()
        before = None
        while (waited_s := clock() - began_s) < _PATIENCE_S:
            now = self._fingerprints()
            gone = any(
                had is not None and has is None and (path not in self._optional or waited_s < _OPTIONAL_PATIENCE_S)
                for path, had, has in zip(self._paths, self._known, now, strict=True)
            )
            if now == before and not gone and not any(being_written(path) for path in self._paths):
                return True
            before = now
            try:
                await asyncio.wait_for(self._stopping.wait(), _QUIET_S if now == before else _LOOK_S)
            except TimeoutError:
                continue
            return False
        # Gone for good, or open for ever: the reading says what is wrong.
        return True
