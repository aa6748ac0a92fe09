"""What all of anir's commands share: one-line errors, exit codes, output that no terminal or pipe breaks."""

import os
import sys
import warnings
from collections.abc import Callable
from typing import TextIO

from anir_runtime.errors import AnirError, AnirWarning, InterruptError


def guarded(name: str, command: Callable[[], object]) -> int:
    """Runs a command and returns its exit code: 0, 1 for a failed job, 2 for a usage error, 130 for Ctrl-C.

    Errors and warnings are one line on stderr, without a traceback. Output that cannot be written is an
    error; what cannot be written to stderr is lost.
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
    """Prints one line of text, which may hold names from a file, to stdout."""
    print(printable(text))


def tell(text: str) -> None:
    """Prints one line to stderr: an error, a warning, or how far a job is."""
    try:
        print(printable(" ".join(text.split())), file=sys.stderr, flush=True)
    except OSError:
        _discard(sys.stderr)


def printable(text: str) -> str:
    r"""The text with all control characters, which could command a terminal, as escapes like \x1b."""
    return "".join(c if c.isprintable() else ascii(c)[1:-1] for c in text)


def version() -> str:
    """The installed version, like `anir 0.1.0`."""
    # Takes a hundredth of a second, which only who asks should pay for.
    from importlib.metadata import PackageNotFoundError
    from importlib.metadata import version as installed

    try:
        return f"anir {installed('anir')}"
    except PackageNotFoundError:
        return "anir, not installed as a package"


def _outcome(command: Callable[[], object]) -> tuple[int, str]:
    """The exit code and, if something went wrong, what."""
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
            # Without a name it is a folder for temporary files, which torch wants, that cannot be found.
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
    """Makes closed streams fail when written to, and characters that an encoding lacks escapes."""
    if sys.stdout is None:
        # Reading only: writing fails as it would have to the closed one.
        sys.stdout = os.fdopen(os.open(os.devnull, os.O_RDONLY), "w")
    if sys.stderr is None:
        sys.stderr = open(os.devnull, "w")  # noqa: SIM115
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="backslashreplace")


def _discard(stream: TextIO) -> None:
    """Lets what a broken stream still holds go nowhere: Python would complain of it at exit."""
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, stream.fileno())
    os.close(nowhere)
