"""Ctrl-C while modules are imported or files are opened."""

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def ended_by_interrupts() -> Iterator[None]:
    """Lets Ctrl-C end the process at once, without a traceback, in code that leaves nothing half done.

    Python would raise KeyboardInterrupt somewhere in a package that is half imported, or once compiled code,
    such as that which opens a file, is done. Handlers of others stay, and so does that Ctrl-C is ignored, as
    in background jobs.
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
