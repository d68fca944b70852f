"""Serves metrics to Prometheus, on loopback. What they are: `families.py` of a gateway, `parts.py` of all else.

They are read when somebody asks for them, on the event loop; text is made and sent in a thread. The only place that
imports prometheus_client.
"""

from __future__ import annotations

import asyncio
import concurrent.futures
from collections.abc import Iterator, Mapping
from types import TracebackType
from typing import TYPE_CHECKING, Self

from tradewire.config.schema import is_loopback
from tradewire.core import monotonic_ns

from .families import Family, read_gateway
from .parts import Part, checked, read_parts

if TYPE_CHECKING:
    from threading import Thread
    from wsgiref.simple_server import WSGIServer

    from prometheus_client import Metric

    from tradewire.streaming import StreamingGateway

__all__ = ["MetricsCollector", "MetricsServer", "start_metrics_server"]

#: An event loop that does not answer for so long is itself what has to be reported.
_PATIENCE_S = 2.0
#: What `tradewire_responding` says.
RESPONDING = "Whether the event loop answers."


class MetricsCollector:
    """A collector for `prometheus_client`: add it to a registry of your own to serve more than this library.

    Any thread. All that it reads belongs to one event loop: the gateway's, or else the one it was made on.

    Args:
        gateway: read at each scrape; None: only the parts are.
        also: parts of your own program by the name they get as a label: see `parts.Part`.

    Raises:
        TypeError, ValueError: something that has no metrics, or a name that is no name.
    """

    def __init__(self, gateway: StreamingGateway | None = None, also: Mapping[str, Part] | None = None) -> None:
        self._gateway = gateway
        self._parts = checked(also or {})
        self._made_on = _running()

    def collect(self) -> Iterator[Metric]:
        """All metrics; only `tradewire_responding` 0 where the event loop is held up for 2 s."""
        from prometheus_client.core import GaugeMetricFamily

        families = self._families()
        yield GaugeMetricFamily("tradewire_responding", RESPONDING, value=families is not None)
        for family in families or ():
            yield _metric(family)

    def _families(self) -> list[Family] | None:
        loop = self._loop()
        if loop is None or _running() is loop:
            return self._read()
        answer: concurrent.futures.Future[list[Family]] = concurrent.futures.Future()
        try:
            loop.call_soon_threadsafe(self._answer, answer)
            return answer.result(_PATIENCE_S)
        except (TimeoutError, RuntimeError):
            # RuntimeError: the loop was closed in this moment.
            answer.cancel()
            return None

    def _loop(self) -> asyncio.AbstractEventLoop | None:
        """Whose thread may read; None: nothing runs, so any may."""
        owners = (self._gateway.loop if self._gateway else None, self._made_on)
        return next((loop for loop in owners if loop is not None and loop.is_running()), None)

    def _read(self) -> list[Family]:
        of_gateway = read_gateway(self._gateway, monotonic_ns()) if self._gateway else []
        return [*of_gateway, *(family for family in read_parts(self._parts) if family.samples)]

    def _answer(self, answer: concurrent.futures.Future[list[Family]]) -> None:
        if answer.set_running_or_notify_cancel():
            try:
                answer.set_result(self._read())
            except Exception as error:
                answer.set_exception(error)


class MetricsServer:
    """Metrics over HTTP: `GET /metrics`. Made by `start_metrics_server`.

    Attributes:
        url: where they are.
    """

    def __init__(self, server: WSGIServer, thread: Thread, host: str) -> None:
        self._server = server
        self._thread = thread
        name = f"[{host}]" if ":" in host else host
        self.url = f"http://{name}:{server.server_port}/metrics"

    def close(self) -> None:
        """Ends it, and waits for its thread: up to 0.5 s. Harmless when repeated."""
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


def start_metrics_server(
    gateway: StreamingGateway | None, port: int, host: str = "127.0.0.1", *, also: Mapping[str, Part] | None = None
) -> MetricsServer:
    """Serves metrics until `close()`, in a thread of its own. Before or after the gateway's start.

    Args:
        gateway: whose metrics; None: only those of the parts. Call it on their event loop then.
        port: to listen on; 0: a free one.
        host: of this machine alone: `127.0.0.1`, `localhost`, `::1`.
        also: pools, breakers, limiters, retry budgets and the `latency` of clients, by the name they get as a label.

    Raises:
        TypeError: a part that has no metrics.
        ValueError: a host that others can reach, or a part's name that is no name.
        OSError: the port is taken.
    """
    if not is_loopback(host):
        raise ValueError(
            f"host of the metrics must be 127.0.0.1, localhost or ::1, was {host!r}: they have no access control; "
            "put a proxy that asks for a password in front of them"
        )
    from prometheus_client import CollectorRegistry, start_http_server

    registry = CollectorRegistry()
    registry.register(MetricsCollector(gateway, also))
    server, thread = start_http_server(port, addr=host, registry=registry)
    return MetricsServer(server, thread, host)


def _metric(family: Family) -> Metric:
    from prometheus_client import Metric

    metric = Metric(family.name, family.doc, family.sort)
    for sample in family.samples:
        labels = dict(zip(family.labels, sample.labels, strict=True))
        if sample.quantile is not None:
            labels["quantile"] = f"{sample.quantile:g}"
        metric.add_sample(family.name + ("_total" if family.sort == "counter" else sample.suffix), labels, sample.value)
    return metric


def _running() -> asyncio.AbstractEventLoop | None:
    try:
        return asyncio.get_running_loop()
    except RuntimeError:
        return None
