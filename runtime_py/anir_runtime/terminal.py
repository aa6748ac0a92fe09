"""What all of anir's commands share: one-line errors and exit codes."""

import sys
from collections.abc import Callable

from anir_runtime.errors import AnirError


def guarded(name: str, command: Callable[[], object]) -> int:
    """Runs a command and returns its exit code: 0, 1 for a failed job, 2 for a usage error.

    Errors are one line on stderr, without a traceback.
    """
    try:
        result = command()
    except KeyboardInterrupt:
        return _fail(name, "interrupted", 130)
    except AnirError as error:
        return _fail(name, str(error), error.exit_code)
    except MemoryError:
        return _fail(name, "not enough memory; choose a smaller size", 1)
    except BrokenPipeError:
        return 1
    return result if isinstance(result, int) else 0


def _fail(name: str, message: str, code: int) -> int:
    print(f"{name}: {' '.join(message.split())}", file=sys.stderr)
    return code
