"""The shape of the house: sizes, tests for every module, no forbidden words, import order."""

from __future__ import annotations

import ast
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
PACKAGE = ROOT / "python" / "tradewire"
SOURCES = [
    path
    for folder in ("python", "rust_core", "tests", "benches", "examples")
    for suffix in ("*.py", "*.rs")
    for path in (ROOT / folder).rglob(suffix)
    if not {"target", "venvs", "__pycache__"} & set(path.parts)
]
MODULES = sorted(path for path in PACKAGE.rglob("*.py") if path.name not in {"__init__.py", "__main__.py"})
FORBIDDEN_NAMES = {"utils", "helpers", "common", "misc", "util", "helper"}


def test_sources_were_found() -> None:
    assert len(SOURCES) > 50


@pytest.mark.parametrize("path", SOURCES, ids=lambda path: str(path.relative_to(ROOT)))
def test_no_file_is_over_600_lines(path: Path) -> None:
    assert len(path.read_text(encoding="utf-8").splitlines()) <= 600, "split by reason to change"


@pytest.mark.parametrize("path", SOURCES, ids=lambda path: str(path.relative_to(ROOT)))
def test_no_nameless_module(path: Path) -> None:
    assert path.stem not in FORBIDDEN_NAMES, "name the module after what it holds"


def _test_of(module: Path) -> list[Path]:
    """Where the test of a module may be: core in `parity`, venues in `venues`, everything else mirrored in `unit`."""
    inside = module.relative_to(PACKAGE)
    name = f"test_{module.stem.lstrip('_')}.py"
    places = [ROOT / "tests" / "unit" / inside.parent / name]
    if inside.parts[0] == "core":
        places.append(ROOT / "tests" / "parity" / name)
    if inside.parts[0] == "venues":
        places.append(ROOT / "tests" / inside.parent / name)
    return places


@pytest.mark.parametrize("module", MODULES, ids=lambda path: str(path.relative_to(PACKAGE)))
def test_every_module_has_its_test(module: Path) -> None:
    places = _test_of(module)
    assert any(place.exists() for place in places), "expected " + " or ".join(str(p.relative_to(ROOT)) for p in places)


@pytest.mark.parametrize("module", [PACKAGE / "__init__.py", *MODULES], ids=lambda path: str(path.relative_to(PACKAGE)))
def test_every_module_says_what_it_is_for(module: Path) -> None:
    assert ast.get_docstring(ast.parse(module.read_text(encoding="utf-8"))), "first line: what it is for"


def _module_name(path: Path) -> str:
    return ".".join(path.relative_to(PACKAGE.parent).with_suffix("").parts)


def test_every_module_imports_alone() -> None:
    """A fresh interpreter per module shows circular imports that a lucky order hides; one process forks for each."""
    # What is not ours is loaded once, before: it cannot be part of a circle.
    script = (
        "import importlib, os, sys\n"
        "import aiohttp, numpy, rich.live, typer, uvloop, websockets.client\n"
        "failed = []\n"
        "for name in sys.argv[1:]:\n"
        "    child = os.fork()\n"
        "    if child == 0:\n"
        "        try:\n"
        "            importlib.import_module(name)\n"
        "        except BaseException as error:\n"
        "            print(name, repr(error), flush=True)\n"
        "            os._exit(1)\n"
        "        os._exit(0)\n"
        "    failed.append(os.waitpid(child, 0)[1])\n"
        "sys.exit(any(failed))\n"
    )
    names = [_module_name(path) for path in MODULES]
    done = subprocess.run([sys.executable, "-c", script, *names], capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr


VENUES = PACKAGE / "venues"
VENUE_FOLDERS = sorted(path.parent.name for path in VENUES.glob("*/__init__.py"))


def _named_venues(path: Path) -> set[str]:
    """The venue folders that a module under `venues` imports from, in whatever spelling."""
    package = _module_name(path.parent).split(".")
    found: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        names = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
        if isinstance(node, ast.ImportFrom):
            start = package[: len(package) + 1 - node.level] if node.level else []
            base = ".".join([*start, *([node.module] if node.module else [])])
            names = [f"{base}.{alias.name}" for alias in node.names]
        inside = [name.split(".")[2] for name in names if name.startswith("tradewire.venues.")]
        found |= set(inside) & set(VENUE_FOLDERS)
    return found


@pytest.mark.parametrize("path", sorted(VENUES.rglob("*.py")), ids=lambda path: str(path.relative_to(PACKAGE)))
def test_no_module_imports_another_venue(path: Path) -> None:
    home = path.relative_to(VENUES).parts[0]
    assert not _named_venues(path) - {home}, "a venue knows itself; what venues share knows none"


HEAVY = ["aiohttp", "cryptography", "fastapi", "ib_async", "redis", "aio_pika", "rich", "typer", "websockets", "uvloop"]
HEAVY += ["keyring", "prometheus_client", "watchfiles", "yaml"]


def test_importing_tradewire_stays_light() -> None:
    script = "import sys, tradewire; print(*sys.modules)"
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    loaded = set(done.stdout.split())
    assert not loaded & set(HEAVY)
    assert "numpy" not in loaded, "the public names are loaded on first use"


@pytest.mark.parametrize(
    "library",
    ["aiohttp", "cryptography", "prometheus_client", "rich", "typer", "uvloop", "watchfiles", "websockets", "yaml"],
)
def test_each_heavy_library_has_one_home(library: str) -> None:
    rooms = set()
    for path in PACKAGE.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            names = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
            if isinstance(node, ast.ImportFrom) and node.level == 0:
                names = [node.module or ""]
            if any(name.split(".")[0] == library for name in names):
                rooms.add(path.relative_to(PACKAGE).parts[0])
    # The pure core signs with it, as its native twin does with a crate; everything else asks config.
    twins = {"core"} if library == "cryptography" else set()
    assert len(rooms - {"sim"} - twins) <= 1, f"{library} is imported in {sorted(rooms)}"
