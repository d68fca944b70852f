"""Running a gateway for a time or until a signal."""

from __future__ import annotations

import asyncio
import os
import signal
import urllib.request
from collections.abc import Iterator
from typing import Any

import pytest

from tradewire.cli.running import StopSignal, run_gateway, serving_metrics
from tradewire.cli.wording import explained
from tradewire.streaming import StreamingGateway


class Gateway:
    def __init__(self) -> None:
        self.log: list[str] = []

    async def __aenter__(self) -> Gateway:
        self.log.append("start")
        return self

    async def __aexit__(self, *_: object) -> None:
        self.log.append("stop")


async def test_it_ends_when_its_time_is_over() -> None:
    gateway = Gateway()
    ticks: list[int] = []
    ended = await run_gateway(
        gateway,  # type: ignore[arg-type]
        seconds=0.02,
        tick=lambda: ticks.append(1),
        tick_s=0.005,
        before_stop=lambda: gateway.log.append("last figures"),
    )
    assert not ended
    assert gateway.log == ["start", "last figures", "stop"]
    assert ticks


@pytest.fixture
def hang_up(request: pytest.FixtureRequest) -> Iterator[None]:
    """What a closed terminal does, whatever these tests run under."""
    before = signal.signal(signal.SIGHUP, request.param)
    yield
    signal.signal(signal.SIGHUP, before)


@pytest.mark.parametrize("hang_up", [signal.SIG_IGN], indirect=True, ids=["nohup"])
@pytest.mark.usefixtures("hang_up")
async def test_under_nohup_a_closed_terminal_ends_nothing(eventually: Any) -> None:
    gateway = Gateway()
    running = asyncio.create_task(run_gateway(gateway, seconds=0.05))  # type: ignore[arg-type]
    await eventually(lambda: gateway.log == ["start"])
    os.kill(os.getpid(), signal.SIGHUP)
    assert not await asyncio.wait_for(running, 5), "its time was over"


@pytest.mark.parametrize("hang_up", [signal.SIG_DFL], indirect=True, ids=["terminal"])
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
@pytest.mark.usefixtures("hang_up")
async def test_a_signal_ends_it(number: signal.Signals, eventually: Any) -> None:
    gateway = Gateway()
    running = asyncio.create_task(run_gateway(gateway, seconds=None))  # type: ignore[arg-type]
    await eventually(lambda: gateway.log == ["start"])
    os.kill(os.getpid(), number)
    assert await asyncio.wait_for(running, 5)
    assert gateway.log == ["start", "stop"]


async def test_it_ends_with_what_it_was_run_for(eventually: Any) -> None:
    gateway = Gateway()
    serving: asyncio.Future[None] = asyncio.get_running_loop().create_future()
    running = asyncio.create_task(run_gateway(gateway, seconds=None, until=serving))  # type: ignore[arg-type]
    await eventually(lambda: gateway.log == ["start"])
    serving.set_exception(BrokenPipeError())
    assert await asyncio.wait_for(running, 5)
    assert gateway.log == ["start", "stop"]
    assert isinstance(serving.exception(), BrokenPipeError)


async def test_signals_are_given_back_afterwards() -> None:
    async with StopSignal() as stop:
        assert not await stop.wait(0.001)
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler


def test_metrics_are_served_meanwhile_or_not_at_all() -> None:
    gateway = StreamingGateway()
    with serving_metrics(gateway, None) as address:
        assert address == ""
    with serving_metrics(gateway, 0) as address:
        with urllib.request.urlopen(address, timeout=20) as response:  # noqa: S310 - http, on loopback
            assert b"tradewire_messages_total" in response.read()
        port = int(address.split(":")[2].split("/")[0])
        taken = rf"--metrics-port {port}: .*in use; choose another one"
        with pytest.raises(OSError, match=taken) as caught, serving_metrics(gateway, port):
            pass
        assert explained(caught.value).startswith(f"--metrics-port {port}: ")
    with pytest.raises(OSError, match="refused"):
        urllib.request.urlopen(address, timeout=20)  # noqa: S310 - http, on loopback
