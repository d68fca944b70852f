"""Resident memory of a process that embeds the gateway with one stream of a simulated venue; with --view, the live view too.

Prints one JSON line. The venue runs in a process of its own and does not count; nor does what only this file needs.
"""

from __future__ import annotations

import json
import subprocess
import sys
from importlib.metadata import version

SECONDS = 3.0

CHILD = """
import asyncio, sys, time
from tradewire import StreamingGateway

async def main(url, rest_url, view, seconds):
    gateway = StreamingGateway(symbols=["BTCUSDT"], channels=["trades"], url=url, rest_url=rest_url)
    seen = 0
    def on_trade(trade):
        nonlocal seen
        seen += 1
    if view:
        from tradewire.cli.running import run_gateway
        from tradewire.cli.board import Board
        from tradewire.cli.view import console, live_view
        board = Board(gateway)
        gateway.subscribe_to_trades(["BTCUSDT"], callback=on_trade)
        with live_view(board, "memory", console()) as shown:
            await run_gateway(gateway, seconds=seconds, tick=shown.refresh)
    else:
        async with gateway:
            gateway.subscribe_to_trades(["BTCUSDT"], callback=on_trade)
            end = time.monotonic() + seconds
            async for batch in gateway.batches():
                if time.monotonic() > end:
                    break
    assert seen > 0
    with open("/proc/self/status") as status:
        rss = next(int(line.split()[1]) for line in status if line.startswith("VmRSS"))
    print(f"\\nrss_kib={rss}", flush=True)

asyncio.run(main(sys.argv[1], sys.argv[2], sys.argv[3] == "view", float(sys.argv[4])))
"""


def main() -> None:
    from tradewire.sim import SimProcess

    view = "--view" in sys.argv[1:]
    with SimProcess(symbols=("BTCUSDT",), rate=1000) as sim:
        words = [sim.stream_url, sim.rest_url, "view" if view else "bare", str(SECONDS)]
        done = subprocess.run([sys.executable, "-c", CHILD, *words], capture_output=True, text=True, check=False)
    if done.returncode:
        sys.exit(done.stderr)
    rss = int(done.stdout.rsplit("rss_kib=", 1)[1])
    case = "embedded gateway, one stream" + (", live view" if view else "")
    print(
        json.dumps(
            {"topic": "memory", "peer": "tradewire", "version": version("tradewire"), "case": case, "rss_kib": rss}
        )
    )


if __name__ == "__main__":
    main()
