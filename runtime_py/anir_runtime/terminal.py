"""Functions that all commands share: one-line errors, exit codes, and safe output to terminals and pipes."""

import os
import sys
import warnings
from collections.abc import Callable
from typing import TextIO

from anir_runtime.errors import AnirError, AnirWarning, InterruptError


def guarded(name: str, command: Callable[[], object]) -> int:
    """Runs a command and returns its exit code: 0, 1 for a failed job, 2 for a usage error, 130 for Ctrl-C.

    Errors and warnings are one line on stderr, without a traceback. A failure to write to stdout is an error;
    one to write to stderr is ignored.
    """
    _prepare_streams()
    with warnings.catch_warnings():
        warnings.simplefilter("always", AnirWarning)
        warnings.showwarning = lambda message, *_: tell(f"{name}: {message}")
        code, message = _outcome(command)
    if message:
        tell(f"{name}: {message}")
    return code


def say(text: str) -> None:
    """Prints one line of text to stdout; it may contain names from untrusted files."""
    print(printable(text))


def tell(text: str) -> None:
    """Prints one line to stderr: an error, a warning, or the progress of a job."""
    try:
        print(printable(" ".join(text.split())), file=sys.stderr, flush=True)
    except OSError:
        _discard(sys.stderr)


def printable(text: str) -> str:
    r"""Returns the text with control characters, which terminals would obey, as escapes like \x1b."""
    return "".join(c if c.isprintable() else ascii(c)[1:-1] for c in text)


def version() -> str:
    """Returns the installed version, like `anir 0.1.0`."""
    # Imported only here, as it takes a hundredth of a second.
    from importlib.metadata import PackageNotFoundError
    from importlib.metadata import version as installed

    try:
        return f"anir {installed('anir')}"
    except PackageNotFoundError:
        return "anir, not installed as a package"


def _outcome(command: Callable[[], object]) -> tuple[int, str]:
    """Runs a command, and returns its exit code and, if it failed, a message."""
    try:
        result = _exit_code(command)
        sys.stdout.flush()
    except KeyboardInterrupt:
        return InterruptError.exit_code, "interrupted"
    except AnirError as error:
        return error.exit_code, str(error)
    except MemoryError:
        return 1, "not enough memory; choose a smaller size"
    except OSError as error:
        reason = error.strerror or str(error)
        if error.filename is not None or isinstance(error, FileNotFoundError):
            # Without a file name, the error is that torch finds no folder for temporary files.
            return 1, reason if error.filename is None else f"{error.filename}: {reason}"
        _discard(sys.stdout)
        return 1, f"standard output cannot be written ({reason})"
    return result, ""


def _exit_code(command: Callable[[], object]) -> int:
    try:
        result = command()
    except SystemExit as end:  # of --help and the like
        result = end.code
    return result if isinstance(result, int) else 0


def _prepare_streams() -> None:
    """Makes a closed stdin empty and writes to a closed stdout fail, and escapes what an encoding lacks."""
    if sys.stdin is None:
        sys.stdin = open(os.devnull)  # noqa: SIM115
    if sys.stdout is None:
        # Opened for reading: writing fails, as it should for a closed stream.
        sys.stdout = os.fdopen(os.open(os.devnull, os.O_RDONLY), "w")
    if sys.stderr is None:
        sys.stderr = open(os.devnull, "w")  # noqa: SIM115
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="backslashreplace")


def _discard(stream: TextIO) -> None:
    """Redirects a broken stream to nowhere; otherwise Python would report its unwritten data at exit."""
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, stream.fileno())
    os.close(nowhere)
