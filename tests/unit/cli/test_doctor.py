"""`tradewire doctor`: findings and advice."""

from __future__ import annotations

from typing import Any

import pytest

from tradewire import core
from tradewire.cli import doctor


def _named(name: str) -> doctor.Finding:
    return next(finding for finding in doctor.examine() if finding.name == name)


def test_it_looks_at_what_matters(tradewire: Any) -> None:
    done = tradewire("doctor")
    assert done.returncode == 0
    for word in ("core", "processor", "event loop", "monotonic clock", "open files", "memory", "tls", "numpy"):
        assert word in done.stdout
    assert f"{core.IMPLEMENTATION} " in done.stdout
    assert "to improve" in done.stdout.splitlines()[-1]


def test_the_pure_core_is_something_to_improve(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(core, "IMPLEMENTATION", "pure")
    monkeypatch.setattr(core, "IMPORT_ERROR", "no such file")
    finding = _named("core")
    assert "make build" in finding.advice
    assert "no such file" in finding.advice
    monkeypatch.setattr(core, "IMPORT_ERROR", None)
    assert _named("core").advice.endswith("unset TRADEWIRE_CORE, which is pure")


def test_a_debug_build_is_something_to_improve(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(core, "IMPLEMENTATION", "native")
    monkeypatch.setattr(core, "BUILD", {"version": "1", "profile": "debug"})
    assert "built without optimisation" in _named("core").advice


def test_few_open_files_are_something_to_improve(monkeypatch: pytest.MonkeyPatch) -> None:
    resource = pytest.importorskip("resource")
    monkeypatch.setattr(resource, "getrlimit", lambda _: (256, resource.RLIM_INFINITY))
    finding = _named("open files")
    assert finding.value == "256 (hard unlimited)"
    assert "ulimit -n 4096" in finding.advice


def test_without_uvloop(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(doctor.util, "find_spec", lambda _: None)
    assert "uvloop" in _named("event loop").advice


def test_missing_libraries_are_named(monkeypatch: pytest.MonkeyPatch) -> None:
    def missing(name: str) -> str:
        raise doctor.metadata.PackageNotFoundError(name)

    monkeypatch.setattr(doctor.metadata, "version", missing)
    monkeypatch.setattr(doctor.util, "find_spec", lambda _: None)
    assert _named("websockets").advice == "`pip install websockets`"


def test_the_text_marks_what_to_improve(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setattr(
        doctor, "examine", lambda: [doctor.Finding("a", "well"), doctor.Finding("bb", "ill", "do this")]
    )
    doctor.doctor()
    assert capsys.readouterr().out == "+ a   well\n! bb  ill\n      -> do this\n1 to improve\n"
