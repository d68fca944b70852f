"""The public names of `tradewire` are all there, loaded when used."""

from __future__ import annotations

import subprocess
import sys

import pytest

import tradewire
from tradewire import core


@pytest.mark.parametrize("name", tradewire.__all__)
def test_every_name_loads(name: str) -> None:
    assert getattr(tradewire, name).__name__ == name


def test_the_list_is_what_is_declared() -> None:
    assert sorted(tradewire._HOMES) == tradewire.__all__ == sorted(tradewire.__all__)
    assert set(tradewire.__all__) <= set(dir(tradewire))


def test_an_unknown_name() -> None:
    with pytest.raises(AttributeError, match="module 'tradewire' has no attribute 'Nonsense'"):
        _ = tradewire.Nonsense


def test_the_gateway_does_not_load_what_it_may_not_need() -> None:
    script = "import sys; from tradewire import StreamingGateway; StreamingGateway(); print(*sys.modules)"
    loaded = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True).stdout.split()
    assert not {"aiohttp", "rich", "typer", "cryptography"} & set(loaded)


def test_the_version_is_that_of_the_core() -> None:
    assert tradewire.__version__ == core.BUILD["version"]
    assert "__version__" in dir(tradewire)
    script = "import sys, tradewire; print(*sys.modules)"
    loaded = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True).stdout.split()
    assert not {"numpy", "tradewire.core"} & set(loaded)
