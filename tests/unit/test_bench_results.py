"""What `make bench` keeps: criterion's figures, and every run in a file of its own."""

from __future__ import annotations

import datetime
import importlib
import json
from pathlib import Path
from types import ModuleType

import pytest

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture
def bench(monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    monkeypatch.syspath_prepend(str(ROOT / "benches"))
    return importlib.import_module("run")


def benchmark(home: Path, full_id: str, ns: float, throughput: dict[str, int] | None) -> None:
    """As criterion 0.8 writes it."""
    for age in ("new", "base"):
        folder = home / full_id.replace("/", "_") / age
        folder.mkdir(parents=True)
        interval = {"confidence_level": 0.95, "lower_bound": ns - 1, "upper_bound": ns + 2.00049}
        figure = {"confidence_interval": interval, "point_estimate": ns, "standard_error": 0.1}
        (folder / "estimates.json").write_text(json.dumps({"mean": figure | {"point_estimate": 0}, "median": figure}))
        about = {"group_id": "", "function_id": None, "full_id": full_id, "throughput": throughput}
        (folder / "benchmark.json").write_text(json.dumps(about))


def test_criterions_medians_are_read(bench: ModuleType, tmp_path: Path) -> None:
    benchmark(tmp_path, "limiter/refused", 3.25, None)
    benchmark(tmp_path, "decode/trade", 61.5, {"Bytes": 170})
    assert bench.criterion.read(tmp_path) == [
        {"case": "decode/trade", "ns_per_iteration": 61.5, "low": 60.5, "high": 63.5, "bytes": 170},
        {"case": "limiter/refused", "ns_per_iteration": 3.25, "low": 2.25, "high": 5.25},
    ]


def test_no_run_replaces_another(bench: ModuleType, tmp_path: Path) -> None:
    now = datetime.datetime(2026, 11, 20, 23, 2, 5, tzinfo=datetime.UTC)
    kept = bench.keep({"rows": [1]}, now, tmp_path / "results")
    assert kept.name == "20261120-230205.json"
    with pytest.raises(FileExistsError):
        bench.keep({"rows": [2]}, now, tmp_path / "results")
    assert json.loads(kept.read_text("utf-8")) == {"rows": [1]}


def test_latencies_go_round_among_the_clients_and_the_median_counts(
    bench: ModuleType, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("floors", "core"):
        (tmp_path / name).mkdir()
        (tmp_path / name / ".ready").touch()
    (tmp_path / "floors" / "blast").touch()
    order: list[str] = []
    p50 = iter([9.0, 1.0, 7.0, 2.0, 8.0, 3.0, 1.0, 4.0, 99.0, 5.0, 2.0, 6.0, 3.0, 7.0, 4.0])

    def run(command: list[str], _: Path, **chosen: str) -> list[dict[str, object]]:
        if chosen["WS_SECONDS"] != "0":
            return [{"peer": command[-1], "case": "blast", "ns_per_msg": 5.0}]
        order.append(command[-1])
        return [{"peer": command[-1], "case": "paced", "p50_us": next(p50), "p99_us": 1.0}]

    monkeypatch.setattr(bench.end_to_end, "_run", run)
    rows = list(bench.end_to_end.rows(tmp_path))
    assert order == ["spin", "picows_msgspec", "floor"] * 5
    assert [(row["peer"], row["p50_us"], row["ns_per_op"]) for row in rows if row["case"] == "paced"] == [
        ("spin", 3.0, 3000.0),
        ("picows_msgspec", 4.0, 4000.0),
        ("floor", 6.0, 6000.0),
    ]
    assert {row["ns_per_op"] for row in rows if row["case"] == "blast"} == {5.0}
