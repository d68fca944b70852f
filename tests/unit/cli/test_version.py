"""`tradewire --version`, and what the bare command and mistakes give."""

from __future__ import annotations

from typing import Any

import pytest

from tradewire import core
from tradewire.cli.version import version_text


def test_it_says_which_core_runs(tradewire: Any) -> None:
    done = tradewire("--version")
    assert done.returncode == 0
    assert done.stdout == version_text() + "\n"
    assert f"{core.IMPLEMENTATION} core" in done.stdout


def test_help_lists_every_command(tradewire: Any) -> None:
    done = tradewire("--help")
    assert done.returncode == 0
    for command in ("demo", "stream", "record", "replay", "sim", "doctor"):
        assert f" {command} " in done.stdout


@pytest.mark.parametrize(
    ("words", "text"),
    [
        (("stream", "--venue", "kraken"), "venue must be one of alpaca"),
        (("stream", "--symbols", "BTC USDT"), "symbol must be like BTCUSDT"),
        (("stream", "--channels", "candles"), "has no channel 'candles'"),
        (("stream", "--url", "http://x"), "--url must be ws://host[:port] or wss://host[:port], was 'http://x'"),
        (("replay", "/nowhere/x.gz"), "the folder /nowhere does not exist: check the name"),
        (("replay", "pyproject.toml", "--speed", "fast"), "--speed must be max, 1x, 10x"),
        (("replay", "pyproject.toml"), "line 1: must be '<receive ns> <frame>'"),
        (("sim", "kraken"), "venue must be one of alpaca"),
        (("nonsense",), "No such command"),
    ],
)
def test_mistakes_get_a_message_and_code_2(tradewire: Any, words: tuple[str, ...], text: str) -> None:
    done = tradewire(*words)
    assert done.returncode == 2
    assert text in done.stderr
    assert "Traceback" not in done.stderr
