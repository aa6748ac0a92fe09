"""Runs typer's command lines with the error messages and exit codes that all of anir's commands share."""

import errno
import os
import sys
from collections.abc import Sequence

import typer
from anir_runtime.errors import AnirError, InterruptError, UsageError
from anir_runtime.terminal import guarded
from typer.main import get_command


def run(app: typer.Typer, name: str, arguments: Sequence[str] | None) -> int:
    """Runs a command line and returns its exit code; see `guarded`."""

    def command() -> object:
        args = list(sys.argv[1:] if arguments is None else arguments)
        try:
            result = get_command(app).main(args=args, prog_name=name, standalone_mode=False)
        except typer.TyperException as error:
            kind = UsageError if error.exit_code == UsageError.exit_code else AnirError
            raise kind(f"{error.format_message()} ({name} --help lists the options)") from error
        except SystemExit as error:  # raised by typer when the reader of its output is gone
            raise BrokenPipeError(errno.EPIPE, os.strerror(errno.EPIPE)) from error
        if result == InterruptError.exit_code:  # returned by typer on Ctrl-C
            raise KeyboardInterrupt
        return result

    return guarded(name, command)
