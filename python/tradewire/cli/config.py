"""`tradewire config`: check, show, encrypt and rotate configuration files. What it does is in `tradewire.config`."""

from __future__ import annotations

import os
import stat
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from .options import log_to_stderr
from .wording import counted

if TYPE_CHECKING:
    from tradewire.config import Config, ConfigLoader
    from tradewire.config.sources import Reading

    Misfits = Callable[[Config, Mapping[str, str]], Iterable[tuple[str, str]]]

__all__ = ["app"]

File = Annotated[Path, typer.Argument(help="YAML, or JSON when it ends in .json.")]
KeyFile = Annotated[
    Path | None,
    typer.Option(
        "--key-file",
        help="Keys, one a line. Left out: $TRADEWIRE_CONFIG_KEY, the file $TRADEWIRE_CONFIG_KEY_FILE, "
        "tradewire/config.key in your configuration folder, the system's keyring.",
    ),
]

#: The place of what nobody wrote.
_DEFAULT = "default"

app = typer.Typer(
    name="config",
    help="Check, show, encrypt and rotate configuration files.",
    no_args_is_help=True,
    context_settings={"help_option_names": ["-h", "--help"]},
)


def _loader(file: Path, key_file: Path | None, misfits: Misfits | None = None) -> ConfigLoader:
    from tradewire.config import ConfigLoader
    from tradewire.venues.registry import allowed_hosts

    log_to_stderr()
    return ConfigLoader(file, key=key_file, allowed_hosts=allowed_hosts, misfits=misfits)


@app.command()
def check(file: File, key_file: KeyFile = None) -> None:
    """Check a file with .env, environment and venues: all problems at once; exit code 2 if there are any."""
    from tradewire.config.settings import answered
    from tradewire.errors import ConfigError
    from tradewire.streaming.fitness import misfits, unknown_venues

    unknown: dict[str, str] = {}

    def asked(config: Config, environ: Mapping[str, str]) -> Iterator[tuple[str, str]]:
        unknown.update(answered(lambda: iter(unknown_venues(config).items())))
        return misfits(config, environ)

    def tell(place: Callable[[str], object]) -> None:
        for path, rule in unknown.items():
            own = "valid only for a program that registers a provider of this name; `tradewire stream` does not"
            typer.echo(f"{place(path)}: {path}: {rule}; {own}", err=True)

    loader = _loader(file, key_file, asked)
    try:
        config = loader.load()
    except ConfigError:
        tell(lambda _: file)
        raise
    reading = loader.reading
    tell(reading.place)
    literals = reading.literals
    written = sum(place != _DEFAULT for _, place in _rows(config.dict(), "", reading))
    typer.echo(f"{file}: valid, {counted(written, 'setting')} written, environment {config.environment}")
    if literals:
        typer.echo(f"not encrypted: {', '.join(literals)}; `tradewire config encrypt {file}` encrypts them")
    _tell_defaults(file, reading.defaults)


@app.command()
def show(file: File, key_file: KeyFile = None) -> None:
    """Show every setting that holds, and where it was written. Secrets, and what was encrypted, are shown as ***."""
    loader = _loader(file, key_file)
    rows = list(_rows(loader.load().dict(), "", loader.reading))
    width = max(len(setting) for setting, _ in rows)
    for setting, place in rows:
        typer.echo(f"{setting:{width}}  # {place}")


def _rows(value: Any, path: str, reading: Reading) -> Iterator[tuple[str, str]]:
    """`path = value` and where it was written, of every setting."""
    if isinstance(value, list) and value and isinstance(value[0], Mapping):
        value = {each["name"]: each for each in value}
    if isinstance(value, Mapping) and value:
        for key, each in value.items():
            yield from _rows(each, f"{path}.{key}" if path else key, reading)
        return
    if isinstance(value, list) and path not in reading.concealed:
        text = ", ".join(_shown(each, f"{path}.[{number}]", reading) for number, each in enumerate(value))
    else:
        text = _shown(value, path, reading)
    yield f"{path} = {text}".rstrip(), str(reading.places.get(path, _DEFAULT))


def _shown(value: Any, path: str, reading: Reading) -> str:
    from tradewire.telemetry.origin import masked_address
    from tradewire.telemetry.redaction import redacted

    if path in reading.concealed:
        return "***"
    if value is None or value == {}:
        return "" if value is None else "{}"
    text = str(value).lower() if isinstance(value, bool) else str(value)
    return redacted(masked_address(text) if "://" in text else text)


@app.command()
def encrypt(
    file: File,
    key_file: KeyFile = None,
    path: Annotated[
        str | None,
        typer.Option("--path", help="Only print the ENC[...] of a value for this setting; the value is asked for."),
    ] = None,
) -> None:
    """Encrypt every secret that stands in a file as it is, in place; bind those that are bound to no setting.

    With --path the file stays as it is: the value is asked for, or read from a pipe, and its ENC[...] is printed.
    """
    from tradewire.config.paths import no_value_at
    from tradewire.errors import ConfigError

    loader = _loader(file, key_file)
    if path is not None:
        wrong = no_value_at(path)
        if wrong is not None:
            # Before anybody types a secret.
            raise ConfigError([wrong])
        if not file.exists():
            typer.echo(f"tradewire: {file}: does not exist yet: write what this prints at {path} of it", err=True)
        typer.echo(loader.encrypt_value(_asked(path), path))
        return
    from tradewire.config.rewrite import encrypt_file

    found = loader.sources.secrets()
    exposed = sorted([*found.literals, *found.defaults]) if _others_may_read(file) else []
    done = encrypt_file(loader.sources)
    typer.echo(f"{file}: encrypted {', '.join(done)}" if done else f"{file}: nothing to encrypt")
    _tell_defaults(file, found.defaults)
    if exposed:
        typer.echo(f"{file} was readable by others: change {', '.join(exposed)} at the venue", err=True)


def _tell_defaults(file: Path, paths: Iterable[str]) -> None:
    for path in paths:
        typer.echo(
            f"not encrypted: the default of {path}; write ${{NAME:-ENC[...]}} with what "
            f"`tradewire config encrypt {file} --path {path}` prints"
        )


def _others_may_read(file: Path) -> bool:
    return os.name == "posix" and bool(file.stat().st_mode & (stat.S_IRGRP | stat.S_IROTH))


def _asked(path: str) -> str:
    """A secret, never from the command line, where every process of the machine can read it."""
    from tradewire.errors import RejectedError

    value = str(typer.prompt(f"Value of {path}", hide_input=True)) if sys.stdin.isatty() else sys.stdin.read()
    value = value.removesuffix("\n")
    if not value:
        raise RejectedError("the value is empty: type it, or write it into the pipe")
    return value


@app.command()
def rotate(
    files: Annotated[list[Path], typer.Argument(help="All files whose values these keys encrypt.")],
    key_file: KeyFile = None,
    retire: Annotated[
        str | None, typer.Option("--retire", metavar="KEY-ID", help="Instead: remove an old key that no file needs.")
    ] = None,
) -> None:
    """Encrypt all values of files with a new key. The old key stays readable until it is retired."""
    from tradewire.config import rewrite

    sources = [_loader(file, key_file).sources for file in files]
    ring = rewrite.rotate(sources) if retire is None else rewrite.retire(sources, retire)
    others = ", ".join(key.id for key in ring.keys[1:])
    typer.echo(f"key {ring.active.id} encrypts" + (f"; still readable: {others}" if others else ""))
