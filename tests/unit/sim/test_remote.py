"""Faults of a venue in another process."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tradewire.sim import RemoteChaos, SimProcess


@pytest.fixture(scope="module")
def sim() -> Iterator[SimProcess]:
    with SimProcess(symbols=("BTCUSDT",), rate=0, script="skew 5ms") as sim:
        yield sim


def test_faults_of_another_process(sim: SimProcess) -> None:
    assert sim.chaos.faults()[0] == {"number": 1, "fault": "skew 5ms", "injected": 1, "active": True}
    fault = sim.chaos.begin("refuse-rest 429 2")
    assert (fault.injected, fault.is_active) == (0, True)
    fault.stop()
    assert not fault.is_active
    other = RemoteChaos(sim.rest_url).begin("mute trades")
    sim.chaos.clear()
    assert not other.is_active


def test_errors_are_value_errors(sim: SimProcess) -> None:
    with pytest.raises(ValueError, match="fault must be one of"):
        sim.chaos.begin("explode")
    with pytest.raises(ValueError, match=r"call clear\(\)"):
        sim.chaos.begin("clear")


def test_nobody_there_is_an_os_error() -> None:
    with pytest.raises(OSError, match="refused"):
        RemoteChaos("http://127.0.0.1:1").faults()
