"""Handling of Ctrl-C, which ends every command within a second."""

import os
import signal
import socket
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

from anir_runtime.errors import InterruptError
from anir_runtime.files import remove_unfinished
from anir_runtime.terminal import tell

_PATIENCE = 0.7
"""Seconds that a command has to clean up after Ctrl-C."""
_SHOW_CURSOR = "\x1b[?25h"
_saving: set[object] = set()
"""A token for each `saving` that has begun and not ended, in any thread."""


@contextmanager
def ended_by_interrupts() -> Iterator[None]:
    """Makes Ctrl-C end the process at once, without a traceback: for code that leaves nothing half done.

    Python would raise KeyboardInterrupt in the middle of an import, or only after compiled code, such as that
    which opens a file, has returned. Other handlers of Ctrl-C are kept, and background jobs still ignore it.
    """
    own = signal.getsignal(signal.SIGINT) is signal.default_int_handler
    if not own or threading.current_thread() is not threading.main_thread():
        yield
        return
    signal.signal(signal.SIGINT, signal.SIG_DFL)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, signal.default_int_handler)


@contextmanager
def ended_soon_by_interrupts(name: str) -> Iterator[None]:
    """Makes Ctrl-C end the process within a second, even if compiled code delays KeyboardInterrupt.

    Code within `saving` is allowed to finish. If `name` is not empty, a line on stderr says that this command
    was interrupted. Only the main thread may use this.
    """
    ours, theirs = socket.socketpair()
    theirs.setblocking(False)
    # Python's C handler writes the signal's number to this socket even while compiled code runs.
    before = signal.set_wakeup_fd(theirs.fileno(), warn_on_full_buffer=False)
    threading.Thread(target=_watch, args=(ours, name), daemon=True).start()
    try:
        yield
    finally:
        signal.set_wakeup_fd(before)
        theirs.close()


@contextmanager
def saving() -> Iterator[None]:
    """Lets the code within finish even after Ctrl-C."""
    token = object()
    try:
        _saving.add(token)
        yield
    finally:
        _saving.discard(token)


def _watch(signals: socket.socket, name: str) -> None:
    """Ends the process soon after Ctrl-C unless it ends by itself; removes half-written files."""
    with signals:
        while number := signals.recv(1):
            if number[0] == signal.SIGINT:
                time.sleep(_PATIENCE)
                while _saving:
                    time.sleep(_PATIENCE)
                remove_unfinished()
                if sys.stderr is not None and sys.stderr.isatty():
                    # Progress bars hide the cursor.
                    sys.stderr.write(_SHOW_CURSOR)
                if name:
                    tell(f"{name}: interrupted")
                os._exit(InterruptError.exit_code)
