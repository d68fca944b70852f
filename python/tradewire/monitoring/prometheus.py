"""Serves the metrics of a gateway to Prometheus, on loopback. What the metrics are: `families.py`.

They are read when somebody asks for them, on the gateway's event loop; text is made and sent in a thread. The only
place that imports prometheus_client.
"""

from __future__ import annotations

import asyncio
import concurrent.futures
from collections.abc import Iterator
from types import TracebackType
from typing import TYPE_CHECKING, Self

from tradewire.config.schema import is_loopback
from tradewire.core import monotonic_ns

from .families import Family, read_gateway

if TYPE_CHECKING:
    from threading import Thread
    from wsgiref.simple_server import WSGIServer

    from prometheus_client import Metric

    from tradewire.streaming import StreamingGateway

__all__ = ["GatewayCollector", "MetricsServer", "start_metrics_server"]

#: An event loop that does not answer for so long is itself what has to be reported.
_PATIENCE_S = 2.0


class GatewayCollector:
    """A collector for `prometheus_client`: add it to a registry of your own to serve more than a gateway.

    Any thread.

    Args:
        gateway: read at each scrape.
    """

    def __init__(self, gateway: StreamingGateway) -> None:
        self._gateway = gateway

    def collect(self) -> Iterator[Metric]:
        """All metrics; only `tradewire_responding` 0 where the event loop is held up for 2 s."""
        from prometheus_client.core import GaugeMetricFamily

        families = self._families()
        yield GaugeMetricFamily(
            "tradewire_responding", "Whether the gateway's event loop answers.", value=families is not None
        )
        for family in families or ():
            yield _metric(family)

    def _families(self) -> list[Family] | None:
        loop = self._gateway.loop
        if loop is None or not loop.is_running() or _running() is loop:
            return read_gateway(self._gateway, monotonic_ns())
        answer: concurrent.futures.Future[list[Family]] = concurrent.futures.Future()
        try:
            loop.call_soon_threadsafe(self._answer, answer)
            return answer.result(_PATIENCE_S)
        except (TimeoutError, RuntimeError):
            # RuntimeError: the loop was closed in this moment.
            answer.cancel()
            return None

    def _answer(self, answer: concurrent.futures.Future[list[Family]]) -> None:
        if answer.set_running_or_notify_cancel():
            try:
                answer.set_result(read_gateway(self._gateway, monotonic_ns()))
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


def start_metrics_server(gateway: StreamingGateway, port: int, host: str = "127.0.0.1") -> MetricsServer:
    """Serves a gateway's metrics until `close()`, in a thread of its own. Before or after the gateway's start.

    Args:
        gateway: whose metrics.
        port: to listen on; 0: a free one.
        host: of this machine alone: `127.0.0.1`, `localhost`, `::1`.

    Raises:
        ValueError: a host that others can reach.
        OSError: the port is taken.
    """
    if not is_loopback(host):
        raise ValueError(
            f"host of the metrics must be 127.0.0.1, localhost or ::1, was {host!r}: they have no access control; "
            "put a proxy that asks for a password in front of them"
        )
    from prometheus_client import CollectorRegistry, start_http_server

    registry = CollectorRegistry()
    registry.register(GatewayCollector(gateway))
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
