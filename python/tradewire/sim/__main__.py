"""`python -m tradewire.sim`: a simulated venue in a process of its own. The command for people: `tradewire sim`."""

from __future__ import annotations

import argparse
from pathlib import Path

from tradewire.sim.market import DEFAULT_RATE
from tradewire.sim.runner import VENUES, run


def main() -> None:
    """Read the arguments and serve."""
    parser = argparse.ArgumentParser(prog="python -m tradewire.sim", description=__doc__)
    parser.add_argument("venue", nargs="?", default="binance", choices=VENUES)
    parser.add_argument("--port", type=int, default=0)
    parser.add_argument("--symbols", help="comma separated")
    parser.add_argument("--rate", type=float, default=DEFAULT_RATE, help="trades and quotes a second, all symbols")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--script", type=Path, help="faults with times, see tradewire.sim.script")
    parser.add_argument("--until-eof", action="store_true", help="stop when standard input ends")
    options = parser.parse_args()
    try:
        run(
            options.venue,
            port=options.port,
            symbols=tuple(options.symbols.split(",")) if options.symbols else None,
            rate=options.rate,
            seed=options.seed,
            script=options.script.read_text(encoding="utf-8") if options.script else "",
            until_eof=options.until_eof,
        )
    except (ValueError, OSError) as error:
        parser.error(str(error))


if __name__ == "__main__":
    main()
