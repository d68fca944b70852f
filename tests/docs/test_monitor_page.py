"""The how-to about monitoring: its code runs, its YAML is valid, its metrics exist."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from snippets import HOWTO, blocks, run
from tradewire.config import ConfigLoader
from tradewire.monitoring.families import read_gateway
from tradewire.monitoring.parts import read_parts
from tradewire.streaming import StreamingGateway

NAME = "monitor.md"
PAGE = (HOWTO / NAME).read_text(encoding="utf-8")


@pytest.mark.parametrize("code", blocks(NAME), ids=["gateway", "parts"])
def test_the_code_runs(code: str, capsys: pytest.CaptureFixture[str]) -> None:
    run(code)
    assert capsys.readouterr().out.startswith("http://127.0.0.1:")


def test_the_yaml_is_valid(tmp_path: Path) -> None:
    (text,) = blocks(NAME, "yaml")
    path = tmp_path / "streaming.yaml"
    path.write_text(text)
    assert ConfigLoader(path, env={}, env_file=None).load().streaming_health.thresholds.min_throughput_msg_per_sec == 50


def test_every_metric_that_is_named_exists() -> None:
    read = [*read_gateway(StreamingGateway(), 0), *read_parts({})]
    families = {family.name: family.labels for family in read}
    families["tradewire_responding"] = ()
    named = re.findall(r"`(tradewire_[a-z_]+)(?:\{([a-z,]+)\})?`", PAGE)
    assert len(named) > 30
    for name, labels in named:
        found = families[name.removesuffix("_total")]
        assert set(labels.split(",") if labels else ()) <= {*found, "quantile"}, name
