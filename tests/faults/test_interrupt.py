"""Ctrl-C while connecting, waiting to connect again, and streaming: the process ends at once, and leaves nothing."""

from __future__ import annotations

import contextlib
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from typing import TYPE_CHECKING

import pytest

from campaign import percentile
from tradewire.sim import SimProcess

if TYPE_CHECKING:
    from campaign import Campaign

#: Says when it is where it should be, and what is left when `start_streaming` has been interrupted.
CHILD = """
import asyncio, logging, signal, sys, threading
from tradewire import StreamingGateway
from tradewire.streaming import ConnectionChanged

logging.disable()
# As in a terminal: what runs in the background ignores it from the start.
signal.signal(signal.SIGINT, signal.default_int_handler)
moment, url, rest_url = sys.argv[1:4]
states = {"connect": "connecting", "backoff": "reconnecting"}
gateway = StreamingGateway(url=url, rest_url=rest_url, symbols=["BTCUSDT"], channels=["book"])
told = False

def tell():
    global told
    if not told:
        told = True
        print("there", flush=True)

def on_event(event):
    if moment == "streaming":
        tell()

def on_thread(event):
    pass

async def on_task(event):
    pass

def on_status(event):
    if isinstance(event, ConnectionChanged) and event.state == states.get(moment):
        # The second wait is a second and more: long enough to be met in it.
        if moment == "connect" or event.attempt > 1:
            tell()

gateway.subscribe_to_trades(["BTCUSDT"], on_event)
gateway.subscribe_to_quotes(["BTCUSDT"], on_thread, offload=True)
gateway.subscribe("ticker", ["BTCUSDT"], on_task)
gateway.on_status(on_status)
stop = gateway.stop
left = []

async def noted():
    await stop()
    await asyncio.sleep(0)
    left.extend(task.get_name() for task in asyncio.all_tasks() if task is not asyncio.current_task())

gateway.stop = noted
try:
    gateway.start_streaming()
except KeyboardInterrupt:
    pass
threads = [thread.name for thread in threading.enumerate() if thread is not threading.main_thread()]
print("tasks", [name for name in left if name != "main"], "threads", threads, flush=True)
"""


@contextlib.contextmanager
def _venue(moment: str) -> Iterator[tuple[str, str]]:
    if moment == "streaming":
        with SimProcess(symbols=("BTCUSDT",), rate=500) as sim:
            yield sim.stream_url, sim.rest_url
        return
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        if moment == "connect":
            # Connections are made, and nobody ever answers.
            taken.listen()
        url = f"127.0.0.1:{taken.getsockname()[1]}"
        yield f"ws://{url}", f"http://{url}"


def _interrupt(moment: str) -> float:
    """Seconds from Ctrl-C to the end of the process."""
    with _venue(moment) as addresses:
        command = [sys.executable, "-c", CHILD, moment, *addresses]
        child = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        try:
            assert child.stdout is not None
            assert child.stderr is not None
            line = child.stdout.readline()
            assert line == "there\n", child.stderr.read()
            began = time.monotonic()
            child.send_signal(signal.SIGINT)
            out, err = child.communicate(timeout=30)
            took = time.monotonic() - began
        finally:
            child.kill()
            child.communicate()
    assert err == ""
    assert out == "tasks [] threads []\n"
    return took


@pytest.mark.parametrize("moment", ["connect", "backoff", "streaming"])
def test_ctrl_c_leaves_nothing(campaign: Campaign, moment: str) -> None:
    times = [_interrupt(moment) for _ in range(campaign.size(1, 20))]
    if campaign.is_long:
        assert max(times) < 2, "the promise; short runs share the machine with others"
    campaign.passed(
        "Ctrl-C",
        len(times),
        f"during {moment}: ended after {percentile(times, 50):.2f} s, at most {max(times):.2f} s; nothing left",
    )
