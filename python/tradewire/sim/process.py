"""A simulated venue in a child process that ends with its parent. For the demo, tests and benchmarks."""

from __future__ import annotations

import subprocess
import sys
import tempfile
from types import TracebackType
from typing import Self

from tradewire.sim.market import DEFAULT_RATE
from tradewire.sim.remote import RemoteChaos

__all__ = ["SimProcess"]

_STOP_TIMEOUT_S = 5.0


class SimProcess:
    """`with SimProcess(rate=1000) as sim: sim.rest_url, sim.stream_url`. Starting blocks until the venue is ready.

    The child has a process group of its own, so that a Ctrl-C in the terminal reaches the parent only, and it stops
    when its standard input ends: by `stop()`, or because the parent died.

    Args:
        venue: which venue.
        port: of the HTTP calls; streams are on the next one. 0 takes two free ones.
        symbols: what is listed; None lists a few that the venue really has.
        rate: trades and quotes a second over all symbols.
        seed: of the market and of the faults.
        script: text of a script of faults, see `tradewire.sim.script`.

    Attributes:
        rest_url: base of the HTTP calls, without a path.
        stream_url: base of the streams, without a path.
        chaos: the faults of the child: `sim.chaos.begin("mute trades BTCUSDT for 5s")`.

    Raises:
        RuntimeError: the child ended before it was ready; carries what it wrote.
    """

    def __init__(
        self,
        venue: str = "binance",
        *,
        port: int = 0,
        symbols: tuple[str, ...] | None = None,
        rate: float = DEFAULT_RATE,
        seed: int = 1,
        script: str = "",
    ) -> None:
        options = ["--port", str(port), "--rate", str(rate), "--seed", str(seed)]
        if symbols is not None:
            options += ["--symbols", ",".join(symbols)]
        self._script = tempfile.NamedTemporaryFile("w", encoding="utf-8", suffix=".chaos")  # noqa: SIM115 # reason: closed by stop()
        self._script.write(script)
        self._script.flush()
        options += ["--script", self._script.name]
        # Not a pipe: nobody reads while the venue runs, and a full pipe would stop it.
        self._said = tempfile.TemporaryFile()  # noqa: SIM115 # reason: closed by stop()
        self._child = subprocess.Popen(  # noqa: S603 # reason: our own interpreter and module
            [sys.executable, "-m", "tradewire.sim", venue, *options, "--until-eof"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self._said,
            text=True,
            start_new_session=True,
        )
        self.rest_url = self._ready_line("REST ")
        self.stream_url = self._ready_line("streams ")
        self.chaos = RemoteChaos(self.rest_url)

    @property
    def pid(self) -> int:
        """The child's process id."""
        return self._child.pid

    def stop(self) -> None:
        """End the venue and wait for it. May be called again."""
        if self._child.stdin is not None:
            self._child.stdin.close()
        try:
            self._child.wait(_STOP_TIMEOUT_S)
        except subprocess.TimeoutExpired:
            self._child.kill()
            self._child.wait()
        if self._child.stdout is not None:
            self._child.stdout.close()
        self._said.close()
        self._script.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    def _ready_line(self, label: str) -> str:
        if self._child.stdout is None:
            raise RuntimeError("Invariant: the child was started with a pipe")
        line = self._child.stdout.readline()
        if not line.startswith(label):
            self._child.kill()
            self._child.wait()
            self._said.seek(0)
            said = line + self._said.read().decode(errors="replace")
            self.stop()
            raise RuntimeError(f"the simulated venue did not start: {said.strip()}")
        return line.removeprefix(label).strip()
