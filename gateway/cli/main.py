"""The `radio-gateway` command: arguments in, one function called, errors out as a line and an exit code.

A command's module is imported when that command is asked for, so that the daemon does not carry the
dispatcher's screen and the roll-calls' workbook through the years, and `status` answers at once.
"""

import os
import sys
from importlib import import_module
from typing import Any, Final, NoReturn

import typer
from typer.core import TyperGroup

from gateway import __version__
from gateway.errors import GatewayError

COMMANDS: Final = {
    "run": "run:run", "check": "run:check", "status": "status:status", "replay": "replay:replay",
    "explain": "explain:explain", "watch": "watch:watch", "schema": "schema:schema", "cap": "cap:cap",
    "devices": "devices:devices", "doctor": "doctor:doctor", "say": "say:say", "unkey": "unkey:unkey",
    "units": "units:app", "models": "models:app", "outbox": "outbox:app", "hold": "hold:app",
    "review": "review:app", "rollcall": "rollcall:app", "drill": "drill:app",
}  # fmt: skip
"""The module in gateway.cli, and the command or group of commands in it; in the order of the help."""


class Commands(TyperGroup):
    """The commands by name, each imported when it is first wanted."""

    def list_commands(self, ctx: Any) -> list[str]:
        """Return the names, imported or not."""
        del ctx
        return list(COMMANDS)

    def get_command(self, ctx: Any, cmd_name: str) -> Any:
        """Return a command, None when there is none of that name."""
        del ctx
        if cmd_name not in COMMANDS:
            return None
        module, _, name = COMMANDS[cmd_name].partition(":")
        found = getattr(import_module(f"gateway.cli.{module}"), name)
        if isinstance(found, typer.Typer):
            command: Any = typer.main.get_group(found)
        else:
            alone = typer.Typer(add_completion=False)
            alone.command()(found)
            command = typer.main.get_command(alone)
        command.name = cmd_name
        return command

    def resolve_command(self, ctx: Any, args: list[str]) -> Any:
        """Find the command of a command line; one that is not there is told with those that look like it."""
        if args and args[0] not in COMMANDS:
            self.commands = {name: self.get_command(ctx, name) for name in COMMANDS}
        return super().resolve_command(ctx, args)


app = typer.Typer(
    name="radio-gateway",
    cls=Commands,
    help="Listens to intercom radios, understands Mandarin calls, publishes what happened over MQTT.",
    add_completion=False,
    pretty_exceptions_enable=False,
)

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
