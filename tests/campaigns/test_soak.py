"""A whole gateway in a process of its own for a long time: every trade in order, memory flat and small, CPU told.

`make soak` is the long form: 200 symbols, 50,000 messages a second, ten minutes.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tradewire import core
from tradewire.sim import SimProcess

if TYPE_CHECKING:
    from campaign import Campaign

pytestmark = [
    pytest.mark.timeout(3_600),
    pytest.mark.skipif(not Path("/proc/self/statm").exists(), reason="reads /proc"),
]
MEGA = 1_000_000

#: A typed object and a call for each message. Trades are numbered without holes.
CHILD = """
import json, signal, sys
from tradewire import StreamingGateway

url, rest_url, names = sys.argv[1:4]
symbols = names.split(",")
gateway = StreamingGateway(url=url, rest_url=rest_url)
last, holes, quotes = {}, 0, 0

def on_trade(trade):
    global holes
    symbol, number = trade.symbol, trade.trade_id
    before = last.get(symbol)
    if before is None:
        if len(last) == len(symbols) - 1:
            print("there", gateway.counters["messages"], flush=True)
    elif number != before + 1:
        holes += 1
    last[symbol] = number

def on_quote(quote):
    global quotes
    quotes += 1

gateway.subscribe_to_trades(symbols, on_trade)
gateway.subscribe_to_quotes(symbols, on_quote)
signal.signal(signal.SIGTERM, lambda *_: gateway.stop_streaming())
gateway.start_streaming()
names = ("messages", "messages_missing", "sequence_gap", "decode_errors", "reconnects", "messages.trade")
told = {name: gateway.counters[name] for name in names}
print(json.dumps(told | {"holes": holes, "quotes": quotes, "dropped": gateway.dropped}), flush=True)
"""


def _resident(pid: int) -> int:
    return int(Path(f"/proc/{pid}/statm").read_text("ascii").split()[1]) * 4096


def _cpu_s(pid: int) -> float:
    fields = Path(f"/proc/{pid}/stat").read_text("ascii").rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def _slope(values: list[int]) -> float:
    """Bytes per sample, by least squares."""
    middle, mean = (len(values) - 1) / 2, sum(values) / len(values)
    spread = sum((at - middle) ** 2 for at in range(len(values)))
    return sum((at - middle) * (value - mean) for at, value in enumerate(values)) / spread


def test_soak(campaign: Campaign) -> None:
    seconds = float(os.environ.get("TRADEWIRE_SOAK_SECONDS") or 600) if campaign.is_long else 3.0
    # Short forms share the machine with other tests, and the pure core is not asked for speed.
    rate = 50_000 if campaign.is_long else 5_000 if core.IMPLEMENTATION == "native" else 500
    symbols = tuple(f"S{number:03}USDT" for number in range(200 if campaign.is_long else 20))
    # What the simulator misses while the machine is busy it does not make up for.
    with SimProcess(symbols=symbols, rate=1.2 * rate, seed=campaign.seed % 1_000) as sim:
        command = [sys.executable, "-c", CHILD, sim.stream_url, sim.rest_url, ",".join(symbols)]
        child = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        try:
            assert child.stdout is not None
            assert child.stderr is not None
            words = child.stdout.readline().split()
            assert words[:1] == ["there"], child.stderr.read()
            began, cpu_s, resident = time.monotonic(), _cpu_s(child.pid), [_resident(child.pid)]
            while time.monotonic() - began < seconds:
                time.sleep(min(1.0, seconds / 10))
                resident.append(_resident(child.pid))
            took, used_s = time.monotonic() - began, _cpu_s(child.pid) - cpu_s
            child.send_signal(signal.SIGTERM)
            out, err = child.communicate(timeout=30)
        finally:
            child.kill()
            child.wait()
    assert child.returncode == 0, err
    told = json.loads(out)
    for name in ("holes", "messages_missing", "sequence_gap", "decode_errors", "reconnects", "dropped"):
        assert told[name] == 0, told
    assert told["messages.trade"] > 0
    assert told["quotes"] > 0
    assert max(resident) < 100 * MEGA
    messages = told["messages"] - int(words[1])
    settled = resident[len(resident) // 5 :]
    growth = _slope(settled) * len(settled)
    if campaign.is_long:
        assert messages >= rate * took, "the venue was slower than the campaign asks"
        assert growth <= 0.01 * max(resident) + MEGA, f"memory grew by {growth / MEGA:.1f} MB"
    campaign.passed(
        "soak",
        messages,
        f"{len(symbols)} symbols, {messages / took:,.0f} messages/s for {took:,.0f} s, an object and a call "
        f"each: 0 lost, {max(resident) / MEGA:.0f} MB at most, slope {growth / MEGA:+.2f} MB over the run, "
        f"{used_s / took:.0%} of a core",
    )
