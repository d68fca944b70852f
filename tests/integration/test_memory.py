"""Resident memory of an embedded gateway with one Binance stream: under 60 MB."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from tradewire import core
from tradewire.sim import SimProcess

SCRIPT = """
import sys
from pathlib import Path
from tradewire import StreamingGateway

gateway = StreamingGateway(url=sys.argv[1], rest_url=sys.argv[2])
seen = 0

def on_event(event):
    global seen
    seen += 1
    if seen == 3_000:
        gateway.stop_streaming()

gateway.subscribe(sys.argv[3], ["BTCUSDT"], on_event)
gateway.start_streaming()
print(int(Path("/proc/self/statm").read_text().split()[1]) * 4096)
"""


@pytest.mark.skipif(not Path("/proc/self/statm").exists(), reason="reads /proc")
@pytest.mark.parametrize("channel", ["trades", "quotes"])
def test_one_stream_stays_under_60_mb(channel: str) -> None:
    # 45 MB on the native core, 46 MB on the pure one, which is not asked for speed.
    rate = 5_000 if core.IMPLEMENTATION == "native" else 1_000
    with SimProcess(symbols=("BTCUSDT",), rate=rate) as sim:
        command = [sys.executable, "-c", SCRIPT, sim.stream_url, sim.rest_url, channel]
        done = subprocess.run(command, capture_output=True, text=True, timeout=50)
    assert done.returncode == 0, done.stderr
    assert int(done.stdout) < 60_000_000
