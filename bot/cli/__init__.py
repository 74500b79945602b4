"""The commands: arguments and printing only.

A command is a function in one of these files, registered on its `commands`; a new file stands in GROUPS. Each command
imports what it needs when it runs, so that `--help` stays quick.
"""

from __future__ import annotations

import sys
from io import TextIOWrapper
from pathlib import Path
from typing import Annotated, NoReturn

import typer
from typer.exceptions import TyperException

from bot import __version__
from bot.cli import (
    asking,
    auditing,
    checking,
    correcting,
    database,
    outbox,
    platforms,
    running,
    subscribing,
    summing,
)
from bot.cli.common import DONE, FAILED, MISUSED
from bot.errors import StatusbotError, UsageError

#: The files of commands, in the order in which `--help` lists them.
GROUPS = (running, asking, summing, auditing, subscribing, correcting, checking, outbox, platforms, database)

app = typer.Typer(
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
    help="One believable timeline of providers' trouble, told to Slack, Teams and Discord.",
    epilog="Begin with: statusbot demo",
)
for group in GROUPS:
    app.add_typer(group.commands)


@app.callback(invoke_without_command=True)
def options(
    context: typer.Context,
    config: Annotated[Path | None, typer.Option("--config", help="The configuration file.", metavar="FILE")] = None,
    verbose: Annotated[bool, typer.Option("--verbose", "-v", help="Say more on standard error.")] = False,
    version: Annotated[bool, typer.Option("--version", help="Print the version.")] = False,
) -> None:
    """Options of every command."""
    if version:
        typer.echo(f"statusbot {__version__}")
        raise typer.Exit
    if context.invoked_subcommand is None:
        typer.echo(context.get_help())
        raise typer.Exit
    context.obj = {"config": config}
    from bot.cli import speech

    speech.begin(verbose=verbose)


def main() -> NoReturn:
    """Run the program: 0 done, 1 something failed, 2 wrong use; one line on standard error, never a traceback."""
    sys.exit(_main())


def _main() -> int:
    if isinstance(sys.stdout, TextIOWrapper):
        sys.stdout.reconfigure(errors="replace")  # providers' words go beyond what some terminals can show
    try:
        outcome = app(standalone_mode=False, prog_name="statusbot")
    except TyperException as error:
        return _complain(_misuse(error), MISUSED)
    except UsageError as error:
        return _complain(str(error), MISUSED)
    except StatusbotError as error:
        return _complain(str(error), FAILED)
    except (KeyboardInterrupt, typer.Abort):
        return _complain("interrupted", FAILED)
    except BrokenPipeError:
        sys.stderr.close()
        return FAILED
    except OSError as error:
        return _complain(f"the system refused: {error.strerror or error}", FAILED)
    except Exception as error:
        import logging

        logging.getLogger("statusbot").debug("unexpected", exc_info=True)
        return _complain(f"unexpected {type(error).__name__}; run again with --verbose for the details", FAILED)
    return outcome if isinstance(outcome, int) else DONE


def _misuse(error: TyperException) -> str:
    """Wrong words on the command line, and whose help tells the right ones."""
    context = getattr(error, "ctx", None)
    words = error.format_message() if hasattr(error, "format_message") else str(error)
    return f"{words} (see `{context.command_path if context else 'statusbot'} --help`)"


def _complain(words: str, code: int) -> int:
    print(f"statusbot: {' '.join(words.split())}", file=sys.stderr)  # noqa: T201
    return code
