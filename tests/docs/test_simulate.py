"""The how-to for the simulators: its snippets run, its script is one, its grammar and its table are the code's."""

from __future__ import annotations

import asyncio
import inspect
import re
import urllib.error
import urllib.request
from typing import Any

import pytest

import snippets
from tradewire.sim import script as script_module
from tradewire.sim.alpaca_feed import CHANNELS as ALPACA
from tradewire.sim.binance_topics import CHANNELS as BINANCE
from tradewire.sim.chaos import Chaos
from tradewire.sim.script import Script

NAME = "simulate.md"
PAGE = (snippets.HOWTO / NAME).read_text(encoding="utf-8")


@pytest.fixture
def names() -> dict[str, Any]:
    return snippets.run("".join(snippets.blocks(NAME)))


async def test_in_process(names: dict[str, Any]) -> None:
    await asyncio.wait_for(names["test_a_lost_diff_is_healed"](), 40)


def test_in_a_process_of_its_own(names: dict[str, Any]) -> None:
    asked = []

    def strategy(rest_url: str, stream_url: str) -> None:
        with pytest.raises(urllib.error.HTTPError) as caught:
            urllib.request.urlopen(rest_url + "/fapi/v1/time", timeout=20)  # noqa: S310 - loopback
        asked.append((caught.value.status, caught.value.headers["Retry-After"], stream_url[:5]))
        caught.value.close()

    names["run_my_strategy"] = strategy
    names["test_the_ban_is_obeyed"]()
    assert asked == [(418, "2", "ws://")]


def test_the_script_runs() -> None:
    (text,) = snippets.blocks(NAME, "script")
    script = Script.parse(text, BINANCE)
    chaos = Chaos(channels=BINANCE)
    for second in range(90):
        script.tick(float(second), chaos)
    assert [fault.text for fault in chaos.faults if fault.text != "disconnect"] == [
        "mute trades BTCUSDT",
        "drop 3 match depth",
        "reorder 5% quotes",
        "refuse-rest 418 retry-after 20s",
        "half-open",
        "restart 1.5s",
        "skew -250ms",
    ]


def test_the_grammar_is_the_one_of_the_module() -> None:
    (text,) = snippets.blocks(NAME, "grammar")
    grammar = inspect.getdoc(script_module)
    assert grammar is not None
    assert [line.strip() for line in text.splitlines()] == [
        line.strip() for line in grammar.splitlines() if line.startswith("    ")
    ]


def test_the_table_names_every_fault() -> None:
    named = set(re.findall(r"`(\w+)", "\n".join(re.findall(r"^\| (`[^|]*) \|", PAGE, re.MULTILINE))))
    faults = {
        name
        for name, function in inspect.getmembers(Chaos, inspect.isfunction)
        if inspect.signature(function).return_annotation == "Fault" and not name.startswith("_")
    }
    assert len(faults) == 16
    assert faults <= named


def test_every_channel_is_named() -> None:
    assert {word for word in (*BINANCE, *ALPACA.values()) if f"`{word}`" not in PAGE} == set()
