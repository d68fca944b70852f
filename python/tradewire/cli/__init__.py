"""The `tradewire` command: one file per command. Errors of the user end in a message and exit code 2.

Output that nobody reads on (`| head`) ends a command with exit code 1 and no message: click does that.
"""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import typer

__all__ = ["build", "main"]

_USER_ERROR = 2
_INTERRUPTED = 130


def build() -> typer.Typer:
    """The command with all its sub-commands."""
    import typer

    from .config import app as config
    from .demo import demo
    from .doctor import doctor
    from .record import record
    from .replay import replay
    from .sim import sim
    from .stream import stream
    from .version import show_version

    app = typer.Typer(
        name="tradewire",
        help="Connects trading strategies to venues: market data in, every hop measured.",
        no_args_is_help=True,
        add_completion=False,
        pretty_exceptions_enable=False,
        context_settings={"help_option_names": ["-h", "--help"]},
    )
    app.callback()(show_version)
    for command in (demo, stream, record, replay, sim, doctor):
        app.command()(command)
    app.add_typer(config)
    return app


def main() -> None:
    """Runs the command and ends the process. Ctrl-C ends it without a word, from the first import on."""
    try:
        _run()
    except KeyboardInterrupt:
        sys.exit(_INTERRUPTED)


def _run() -> None:
    # Here and not above: these take most of the time until the command answers.
    try:
        from tradewire.errors import TradewireError
        from tradewire.telemetry.redaction import redacted
    except ImportError as error:
        # Without a core: it says which one is missing, or that there is no such one.
        print(f"tradewire: {error}", file=sys.stderr)  # noqa: T201 - the command's error output
        sys.exit(_USER_ERROR)

    from .hardening import harden
    from .wording import explained

    harden()
    try:
        build()(prog_name="tradewire")
    except (TradewireError, ValueError, OSError, ImportError) as error:
        print(f"tradewire: {redacted(explained(error))}", file=sys.stderr)  # noqa: T201 - the command's error output
        sys.exit(_USER_ERROR)
