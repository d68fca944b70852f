"""`ConfigLoader`: the configuration of a process, loaded once, swapped whole by reloads. Holds no rules of its own."""

from __future__ import annotations

import asyncio
import inspect
import logging
import os
from collections import deque
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from types import TracebackType
from typing import TypeVar

from tradewire.errors import ConfigError, StateError

from . import encryption
from .difference import Change, difference
from .environment import Variables
from .paths import no_value_at
from .problem import Place, Problem
from .schema import Config
from .secret import Secret
from .sources import Reading, Sources, explained
from .watcher import Watcher

__all__ = ["ConfigLoader"]

_logger = logging.getLogger(__name__)
_Told = TypeVar("_Told", Change, ConfigError)


class ConfigLoader:
    """Loads a configuration, and keeps it current.

    Precedence, lowest first: file, `.env`, environment (`TRADING_<SECTION>_<KEY>`), `overrides`. All problems of all
    sources are reported at once. A configuration is immutable and replaced whole.

    Use it from one event loop; `load` and `config` also without one.

    Args:
        config_path: YAML, or JSON when it ends in `.json`; None: defaults and the other sources.
        enable_hot_reload: `load_config` then watches the file until `stop`.
        env: in place of the environment of the process; copied now, so later reloads see the same.
        env_file: read if it exists; None: none.
        overrides: by path, `{"connection_pool.max_connections": 20}`.
        key: path of a key file, or a Secret with the keys; None: as `tradewire.config.keys` says.
        allowed_hosts: environment -> venue -> hosts that its addresses may name; None: only the rules about loopback
            and TLS hold, as for venues that are not in it.
        misfits: gives (path, what is wrong) for what the schema allows and the program cannot serve, of a configuration
            and the variables of process and `.env`; asked from a thread during reloads, and also of a configuration
            with other problems, whose sections lack what could not be read. None: nothing is.

    Attributes:
        sources: where it comes from.
    """

    def __init__(
        self,
        config_path: str | os.PathLike[str] | None = None,
        enable_hot_reload: bool = False,
        *,
        env: Mapping[str, str] | None = None,
        env_file: str | os.PathLike[str] | None = ".env",
        overrides: Mapping[str, object] | None = None,
        key: str | os.PathLike[str] | Secret | None = None,
        allowed_hosts: Callable[[str], Mapping[str, frozenset[str]]] | None = None,
        misfits: Callable[[Config, Mapping[str, str]], Iterable[tuple[str, str]]] | None = None,
    ) -> None:
        self.sources = Sources(
            path=None if config_path is None else Path(config_path),
            env_path=None if env_file is None else Path(env_file),
            variables=Variables(os.environ if env is None else env),
            overrides=dict(overrides or {}),
            key=key if isinstance(key, Secret) or key is None else Path(key),
            allowed_hosts=allowed_hosts,
            folder=_present_folder(),
            misfits=misfits,
        )
        self._hot = enable_hot_reload
        self._reading: Reading | None = None
        self._subscribers: list[Callable[[Change], object]] = []
        self._refusals: list[Callable[[ConfigError], object]] = []
        self._watcher: Watcher | None = None
        self._reloading = asyncio.Lock()
        # Who is still to be told of what. It outlives a reload that is cancelled.
        self._untold: deque[tuple[Callable[[Change], object], Change]] = deque()
        self._is_telling = False
        # What the watching said last of files that it refused.
        self._refused = ""

    # loading

    @property
    def path(self) -> Path | None:
        """Of the file."""
        return self.sources.path

    @property
    def config(self) -> Config:
        """The present configuration.

        Raises:
            StateError: none was loaded yet.
        """
        return self.reading.config

    @property
    def reading(self) -> Reading:
        """The present configuration with the places of its values.

        Raises:
            StateError: none was loaded yet.
        """
        if self._reading is None:
            raise StateError("nothing is loaded yet; call load(), or await load_config()")
        return self._reading

    def load(self) -> Config:
        """Loads once; a second call gives what is loaded.

        Raises:
            ConfigError: everything that is wrong.
        """
        if self._reading is None:
            self._reading = self.read()
        return self._reading.config

    async def load_config(self) -> Config:
        """`load`, and watching when `enable_hot_reload` was asked for."""
        self.load()
        if self._hot:
            await self.start()
        return self.config

    def read(self) -> Reading:
        """Reads all sources anew and checks them; changes nothing.

        Raises:
            ConfigError: everything that is wrong.
        """
        return self.sources.read()

    # staying current

    def subscribe(self, callback: Callable[[Change], object]) -> Callable[[], None]:
        """Tells a callback, sync or async, of each reload that changed something; gives the call that ends it."""
        return _listed(callback, self._subscribers)

    def subscribe_to_refusals(self, callback: Callable[[ConfigError], object]) -> Callable[[], None]:
        """Tells a callback, sync or async, of each reload that was refused, and why; gives the call that ends it."""
        return _listed(callback, self._refusals)

    async def reload(self) -> Change | None:
        """Reads again in a thread and, if all is well, swaps and tells the subscribers. None: nothing differs.

        All subscribers are told of one change before the next: of what changes while they are being told, such as by a
        subscriber that reloads, they are told later, by who is telling them. Those that a cancelled call left untold,
        and the one that it interrupted, are told by the next one, also where nothing differs any more.

        Raises:
            ConfigError: everything that is wrong; the present configuration stays.
        """
        try:
            return await self._reload()
        except ConfigError as error:
            await self._tell_refusal(error)
            raise

    async def _tell_refusal(self, error: ConfigError) -> None:
        for callback in list(self._refusals):
            await self._tell(callback, error)

    async def _reload(self) -> Change | None:
        async with self._reloading:
            before = self.reading
            found = await asyncio.to_thread(self.read)
            if found.config.environment != before.config.environment:
                place = found.places.get("environment", Place(str(self.path)))
                rule = f"stays {before.config.environment} until the process is started anew"
                shown = None if "environment" in found.concealed else found.config.environment
                raise ConfigError([Problem(place.file, place.line, "environment", shown, rule)])
            self._reading = found
            paths = difference(before.config, found.config)
            change = Change(before.config, found.config, paths) if paths else None
            if change is not None:
                _logger.info("configuration changed: %s", ", ".join(sorted(paths)))
                self._untold.extend((callback, change) for callback in self._subscribers)
        await self._tell_changes()
        return change

    async def _tell_changes(self) -> None:
        if self._is_telling:
            return
        self._is_telling = True
        try:
            while self._untold:
                callback, change = self._untold.popleft()
                # It may have ended its subscription meanwhile.
                if callback in self._subscribers:
                    try:
                        await self._tell(callback, change)
                    except asyncio.CancelledError:
                        # It may have done half of it.
                        self._untold.appendleft((callback, change))
                        raise
        finally:
            self._is_telling = False

    async def _tell(self, callback: Callable[[_Told], object], told: _Told) -> None:
        try:
            answer = callback(told)
            if inspect.isawaitable(answer):
                await answer
        except (Exception, asyncio.CancelledError) as error:
            asked = asyncio.current_task()
            if isinstance(error, asyncio.CancelledError) and asked is not None and asked.cancelling():
                raise
            _logger.exception("a subscriber of the configuration failed; the others are told all the same")

    async def start(self) -> None:
        """Watches the files; a reload that fails leaves the configuration as it is and is logged once, as ERROR."""
        self.load()
        if self._watcher is None and self.path is not None:
            files = tuple(path for path in (self.sources.file, self.sources.env_file) if path is not None)
            self._watcher = Watcher(files, self._on_files, self.reading.fingerprints, frozenset(files[1:]))
            self._watcher.start()

    async def stop(self) -> None:
        """Ends the watching."""
        watcher, self._watcher = self._watcher, None
        if watcher is not None:
            await watcher.stop()

    async def __aenter__(self) -> ConfigLoader:
        await self.start()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.stop()

    async def _on_files(self, again: bool) -> bool:
        """Whether all is well. Files that are as they were are told of only when something else is wrong with them."""
        said, self._refused = self._refused, ""
        try:
            await self._reload()
        except ConfigError as error:
            self._refused = str(error)
            if not again or self._refused != said:
                await self._tell_refusal(error)
                _logger.error("configuration not reloaded, the old one stays: %s", error)
            return False
        except Exception:
            # Invariant: it is always a ConfigError. A bug of ours must not end the watching.
            _logger.exception("configuration not reloaded, the old one stays")
        return True

    # secrets

    def encrypt_value(self, value: str | Secret, path: str | None = None) -> str:
        """An `ENC[...]` token.

        Args:
            value: what is secret.
            path: of the setting it is for; None: for any, which the log mentions and live refuses.

        Raises:
            ConfigError: no value can stand at the path; an unbound value where the environment is live; no usable key.
        """
        secret = value if isinstance(value, Secret) else Secret(value)
        # Tracebacks with locals do not show it.
        del value
        wrong = None if path is None else no_value_at(path)
        if wrong is not None:
            raise ConfigError([wrong])
        if path is None:
            environment = self._reading.config.environment if self._reading else self.sources.environment()
            if environment == "live":
                raise ConfigError(
                    [Problem("argument", None, "path", None, "must be given in live: values are bound to it")]
                )
            _logger.warning("encrypted a value that is bound to no setting: give path= to bind it; live refuses it")
        try:
            ring = self.sources.key_store().find_or_make()
        except (ValueError, OSError) as error:
            raise ConfigError([Problem("keys", None, "", None, explained(error))]) from None
        return encryption.encrypt(secret.reveal(), path, ring)


def _present_folder() -> Path:
    try:
        return Path.cwd()
    except OSError:
        # It was deleted. What has an absolute path can be read all the same.
        return Path()


def _listed(callback: Callable[[_Told], object], subscribers: list[Callable[[_Told], object]]) -> Callable[[], None]:
    subscribers.append(callback)

    def end() -> None:
        if callback in subscribers:
            subscribers.remove(callback)

    return end
