"""A configuration and what it asks of a gateway, kept current while the gateway runs. What it means is in `plan.py`."""

from __future__ import annotations

import logging
import os
from collections.abc import Callable, Iterator, Mapping
from typing import TYPE_CHECKING

from tradewire.core import wall_ns
from tradewire.errors import ConfigError, TradewireError
from tradewire.telemetry import Counters
from tradewire.venues.registry import allowed_hosts

from .plan import GatewayPlan, plan_of

if TYPE_CHECKING:
    from tradewire.config import Config, ConfigLoader
    from tradewire.config.difference import Change

    from .provider import ProviderSettings

__all__ = ["Configured"]

#: Of its own, so that a program can show what reloads change and nothing else: `tradewire stream` does.
_logger = logging.getLogger(__name__)


class Configured:
    """A configuration and what it asks for, kept current where that is wanted.

    Args:
        config: a file, or a loaded configuration.
        hot_reload: whether changes of the file are followed.
        counters: gets `reloads.applied` and `reloads.refused`; None: its own.

    Attributes:
        plan: what it asks for now.
        applied_ns: since when, ns since 1970.

    Raises:
        ConfigError: everything that is wrong with the file, or else everything that its venues cannot serve.
        ValueError: `hot_reload` without a file.
    """

    def __init__(
        self, config: str | os.PathLike[str] | Config, *, hot_reload: bool, counters: Counters | None = None
    ) -> None:
        # Here and not above: a gateway without a configuration does not pay for the room.
        from tradewire.config import Config, ConfigLoader
        from tradewire.config.problem import Place, located

        from .fitness import unserved

        self._counters = Counters() if counters is None else counters
        self._loader: ConfigLoader | None = None
        if isinstance(config, Config):
            if hot_reload:
                raise ValueError("hot_reload needs the configuration's file, not a loaded configuration")
            loaded = config
            problems = located(unserved(loaded), lambda _: Place("configuration"))
            if problems:
                raise ConfigError(problems)
        else:
            self._loader = ConfigLoader(
                config, enable_hot_reload=hot_reload, allowed_hosts=allowed_hosts, misfits=unserved
            )
            loaded = self._loader.load()
        self._hot = hot_reload
        self.plan = plan_of(loaded, self._environ())
        self.applied_ns = wall_ns()
        if loaded.streaming_health.api.enabled:
            _logger.warning(
                "streaming_health.api.enabled: the health server is not part of this version; "
                "`tradewire stream --metrics-port N` serves metrics on 127.0.0.1"
            )

    async def start(self, apply: Callable[[GatewayPlan], None]) -> None:
        """Follows the file, where that is wanted.

        Args:
            apply: takes each new plan; one that it refuses is logged, as is a file with problems, and the old one
                stays.
        """
        if self._loader is None or not self._hot:
            return

        def on_change(change: Change) -> None:
            paths = ", ".join(sorted(change.paths))
            if not any(change.touches(section) for section in ("streaming", "streaming_health", "credentials")):
                self._on_applied()
                _logger.info("configuration changed, nothing of it for market data: %s", paths)
                return
            try:
                plan = plan_of(change.new, self._environ())
                self._check_lasting(plan)
                apply(plan)
            except (TradewireError, ValueError) as error:
                _logger.error("the changed configuration cannot be applied, the gateway goes on as before: %s", error)
                apply(self.plan)
                self._on_refused(error)
            else:
                self.plan = plan
                self._on_applied()
                _logger.info("configuration applied: %s", paths)

        self._loader.subscribe(on_change)
        self._loader.subscribe_to_refusals(self._on_refused)
        await self._loader.start()

    def _check_lasting(self, plan: GatewayPlan) -> None:
        """What a provider is never given anew, with the line that would."""
        from tradewire.config.problem import Place, located

        loader = self._loader
        problems = located(
            _changed(self.plan.providers, plan.providers),
            lambda path: Place("configuration") if loader is None else loader.reading.place(path),
        )
        if problems:
            raise ConfigError(problems)

    def _on_applied(self) -> None:
        self.applied_ns = wall_ns()
        self._counters.add("reloads.applied")

    def _on_refused(self, _error: Exception) -> None:
        self._counters.add("reloads.refused")

    def _environ(self) -> dict[str, str] | None:
        """The environment that the loader began with, since the present one may hold no keys any more, and `.env`."""
        return None if self._loader is None else self._loader.reading.variables.plain()

    async def stop(self) -> None:
        """Follows it no more."""
        if self._loader is not None:
            await self._loader.stop()


def _changed(
    present: Mapping[str, ProviderSettings], wanted: Mapping[str, ProviderSettings]
) -> Iterator[tuple[str, str]]:
    for name in present.keys() & wanted.keys():
        old, new, path = present[name], wanted[name], f"streaming.providers.{name}"
        if old.venue != new.venue:
            yield f"{path}.venue", f"stays {old.venue.name} while the gateway runs: give the provider another name"
        if old.codec != new.codec:
            yield f"{path}.codec", f"stays {old.codec} while the gateway runs: give the provider another name"
