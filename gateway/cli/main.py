"""The `radio-gateway` command: arguments in, one function called, errors out as a line and an exit code."""

import os
import sys
from typing import NoReturn

import typer

from gateway import __version__
from gateway.cli import drill, hold, models, outbox, review, rollcall, run, units
from gateway.cli.cap import cap
from gateway.cli.devices import devices
from gateway.cli.doctor import doctor
from gateway.cli.explain import explain
from gateway.cli.replay import replay
from gateway.cli.say import say
from gateway.cli.schema import schema
from gateway.cli.status import status
from gateway.cli.unkey import unkey
from gateway.cli.watch import watch
from gateway.errors import GatewayError

app = typer.Typer(
    name="radio-gateway",
    help="Listens to intercom radios, understands Mandarin calls, publishes what happened over MQTT.",
    add_completion=False,
    pretty_exceptions_enable=False,
)
app.command()(run.run)
app.command()(run.check)
app.command()(status)
app.command()(replay)
app.command()(explain)
app.command()(watch)
app.command()(schema)
app.command()(cap)
app.command()(devices)
app.command()(doctor)
app.command()(say)
app.command()(unkey)
app.add_typer(units.app, name="units")
app.add_typer(models.app, name="models")
app.add_typer(outbox.app, name="outbox")
app.add_typer(hold.app, name="hold")
app.add_typer(review.app, name="review")
app.add_typer(rollcall.app, name="rollcall")
app.add_typer(drill.app, name="drill")

USAGE_ERROR: type[typer.BadParameter] = typer.BadParameter.__mro__[1]
"""Every fault of a command line; typer offers its subclass only."""
EXIT_USAGE = 64
EXIT_INTERRUPTED = 130


@app.callback(invoke_without_command=True)
def root(
    context: typer.Context,
    version: bool = typer.Option(False, "--version", help="Print the version and end."),
) -> None:
    """Listens to intercom radios, understands Mandarin calls, publishes what happened over MQTT."""
    if version:
        print(f"radio-gateway {__version__}")
        raise typer.Exit
    if context.invoked_subcommand is None:
        print(context.get_help())
        raise typer.Exit(EXIT_USAGE)


def main(arguments: list[str] | None = None) -> None:
    """Run the command line and leave with the contract's exit code, never with a traceback."""
    try:
        result = app(args=arguments, prog_name="radio-gateway", standalone_mode=False)
    except USAGE_ERROR as error:
        _complain(error)
        sys.exit(EXIT_USAGE)
    except typer.Abort:
        sys.exit(EXIT_INTERRUPTED)
    except GatewayError as error:
        print(f"radio-gateway: {error}", file=sys.stderr)
        sys.exit(error.exit_code)
    except KeyboardInterrupt:
        sys.exit(EXIT_INTERRUPTED)
    except BrokenPipeError:
        _reader_gone()
    except SystemExit:
        # typer leaves with 1 when the pipe breaks, and wraps stdout to tell
        if type(sys.stdout).__name__ != "PacifyFlushWrapper":
            raise
        _reader_gone()
    sys.exit(result if isinstance(result, int) else 0)


def _reader_gone() -> NoReturn:
    """Leave in peace: the reader (head, less) has what it wanted."""
    # The interpreter would complain when it flushes stdout at exit.
    os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
    sys.exit(0)


def _complain(error: typer.BadParameter) -> None:
    """Say what is wrong with the command line. A group without a command has shown its help."""
    message = error.format_message()
    path = error.ctx.command_path if error.ctx is not None else "radio-gateway"
    if message:
        print(f"{path}: {message} (see '{path} --help')", file=sys.stderr)
