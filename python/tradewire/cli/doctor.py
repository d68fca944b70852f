"""`tradewire doctor`: what this installation runs on, and what would make it better. Changes nothing."""

from __future__ import annotations

import os
import platform
import sys
import time
from dataclasses import dataclass
from importlib import metadata, util
from pathlib import Path

import typer

__all__ = ["Finding", "doctor", "examine"]

_CPU_FEATURES = {
    "x86_64": ("sse4_2", "avx2", "sha_ni"),
    "AMD64": ("sse4_2", "avx2", "sha_ni"),
    "aarch64": ("asimd", "sha2"),
}
_GOOD_CLOCKS = ("tsc", "arch_sys_counter", "kvm-clock", "hyperv_clocksource_tsc_page")
_FILES = 4_096
_FREE_MB = 512


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing looked at.

    Attributes:
        name: what.
        value: what was found.
        advice: what to improve; empty when it is well.
    """

    name: str
    value: str
    advice: str = ""


def doctor() -> None:
    """Check the installation: core, processor, event loop, clocks, limits, memory."""
    findings = examine()
    width = max(len(finding.name) for finding in findings)
    for finding in findings:
        mark = "!" if finding.advice else "+"
        typer.echo(f"{mark} {finding.name:{width}}  {finding.value}")
        if finding.advice:
            typer.echo(f"  {'':{width}}  -> {finding.advice}")
    advised = sum(bool(finding.advice) for finding in findings)
    typer.echo("nothing to improve" if not advised else f"{advised} to improve")


def examine() -> list[Finding]:
    """All findings."""
    return [
        _core(),
        _python(),
        _processor(),
        _event_loop(),
        *_clocks(),
        _open_files(),
        _memory(),
        _tls(),
        *_libraries(),
    ]


def _core() -> Finding:
    from tradewire import core

    value = f"{core.IMPLEMENTATION} {core.BUILD['version']} ({core.BUILD['profile']})"
    if core.IMPLEMENTATION == "pure":
        way = f"`make build`. {core.IMPORT_ERROR}" if core.IMPORT_ERROR else "unset TRADEWIRE_CORE, which is pure"
        return Finding("core", value, f"the native core decodes some 500 times faster: {way}")
    if core.BUILD["profile"] != "release":
        return Finding("core", value, "built without optimisation: `make build` builds for release")
    return Finding("core", value)


def _python() -> Finding:
    return Finding("python", f"{platform.python_implementation()} {platform.python_version()} on {platform.platform()}")


def _processor() -> Finding:
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    wanted = _CPU_FEATURES.get(platform.machine(), ())
    flags = _cpu_flags()
    present = [name for name in wanted if name in flags]
    value = f"{platform.machine()}, {cores} usable, {' '.join(present) or 'features unknown'}"
    if flags and len(present) < len(wanted):
        missing = ", ".join(name for name in wanted if name not in flags)
        return Finding("processor", value, f"without {missing} signing and scanning are slower; nothing to configure")
    if cores < 2:
        return Finding("processor", value, "one core shares event loop, kernel and strategy; give the process two")
    return Finding("processor", value)


def _cpu_flags() -> set[str]:
    try:
        text = Path("/proc/cpuinfo").read_text(encoding="utf-8")
    except OSError:
        return set()
    for line in text.splitlines():
        if line.startswith(("flags", "Features")):
            return set(line.partition(":")[2].split())
    return set()


def _event_loop() -> Finding:
    if util.find_spec("uvloop") is not None:
        return Finding("event loop", f"uvloop {metadata.version('uvloop')}")
    advice = "" if sys.platform == "win32" else "`pip install uvloop` makes sockets about twice as fast"
    return Finding("event loop", "asyncio", advice)


def _clocks() -> list[Finding]:
    findings = []
    try:
        source = Path("/sys/devices/system/clocksource/clocksource0/current_clocksource").read_text("ascii").strip()
    except OSError:
        source = ""
    if source:
        advice = (
            ""
            if source in _GOOD_CLOCKS
            else "each clock read is a system call; boot with clocksource=tsc if it is stable"
        )
        findings.append(Finding("clock source", source, advice))
    for name in ("monotonic", "time"):
        info = time.get_clock_info(name)
        advice = "" if info.resolution <= 1e-6 else "too coarse for latencies in microseconds"
        findings.append(Finding(f"{name} clock", f"resolution {info.resolution * 1e9:.0f} ns", advice))
    return findings


def _open_files() -> Finding:
    try:
        import resource
    except ImportError:
        return Finding("open files", "not limited this way here")
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    value = f"{soft} (hard {'unlimited' if hard == resource.RLIM_INFINITY else hard})"
    return Finding("open files", value, "" if soft >= _FILES else f"raise it for many connections: ulimit -n {_FILES}")


def _memory() -> Finding:
    try:
        text = Path("/proc/meminfo").read_text("ascii")
        own = int(Path("/proc/self/statm").read_text("ascii").split()[1]) * os.sysconf("SC_PAGESIZE")
    except OSError:
        return Finding("memory", "unknown here")
    free = next(int(line.split()[1]) // 1024 for line in text.splitlines() if line.startswith("MemAvailable"))
    value = f"{free:,} MB available, {own / 1e6:.0f} MB used by this command"
    return Finding("memory", value, "" if free >= _FREE_MB else "a busy gateway with books wants some 100 MB to spare")


def _tls() -> Finding:
    import ssl

    paths = ssl.get_default_verify_paths()
    roots = paths.cafile or paths.capath
    advice = "" if roots else "no root certificates: live venues cannot be verified; install ca-certificates"
    return Finding("tls", f"{ssl.OPENSSL_VERSION}, roots {roots or 'missing'}", advice)


def _libraries() -> list[Finding]:
    findings = []
    for name in ("numpy", "websockets", "aiohttp"):
        try:
            findings.append(Finding(name, metadata.version(name)))
        except metadata.PackageNotFoundError:
            findings.append(Finding(name, "missing", f"`pip install {name}`"))
    return findings
