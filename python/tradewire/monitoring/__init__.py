"""Reads what the other rooms count and measure, and shows it to other programs: Prometheus. Measures nothing itself."""

from __future__ import annotations

from .prometheus import MetricsCollector, MetricsServer, start_metrics_server

__all__ = ["MetricsCollector", "MetricsServer", "start_metrics_server"]
