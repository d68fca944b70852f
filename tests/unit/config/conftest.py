"""A configuration file in a folder of its own, and a loader that sees no real environment and no real `.env`."""

from __future__ import annotations

import textwrap
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tradewire.config import Config, ConfigLoader, Problem
from tradewire.errors import ConfigError


class Place:
    """Where one test keeps its configuration."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.path = folder / "config" / "trading.yaml"
        self.path.parent.mkdir()
        #: The environment: no home of a real user in it.
        self.env = {"XDG_CONFIG_HOME": str(folder / "home")}

    def write(self, text: str, name: str | None = None, mode: int = 0o600) -> Path:
        path = self.path if name is None else self.path.with_name(name)
        path.write_text(textwrap.dedent(text), encoding="utf-8")
        path.chmod(mode)
        return path

    def loader(self, text: str | None = None, **options: Any) -> ConfigLoader:
        path = self.path if text is None else self.write(text)
        env = {**self.env, **options.pop("env", {})}
        return ConfigLoader(path, env=env, env_file=options.pop("env_file", None), **options)

    def load(self, text: str, **options: Any) -> Config:
        return self.loader(text, **options).load()

    def problems(self, text: str, **options: Any) -> list[Problem]:
        with pytest.raises(ConfigError) as caught:
            self.load(text, **options)
        return list(caught.value.problems)


@pytest.fixture
def place(tmp_path: Path) -> Place:
    return Place(tmp_path)


@pytest.fixture
def texts() -> Callable[[list[Problem]], list[str]]:
    """Problems as `line path: rule`, which is what most tests compare."""
    return lambda problems: [f"{each.line} {each.path}: {each.rule}" for each in problems]
