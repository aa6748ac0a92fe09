"""Shows a command's progress on stderr: bars on a terminal, a plain line every ten seconds elsewhere."""

import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from anir_runtime.terminal import printable, tell
from rich.console import Console
from rich.progress import BarColumn, TaskID, TextColumn, TimeRemainingColumn
from rich.progress import Progress as Bars

from anir_toolchain.progress import Progress

SECONDS = 10.0
"""Seconds between two lines."""


class Display:
    """Receives the progress of several pictures. This base class shows nothing."""

    def advance(self, picture: str, at: Progress) -> None:
        """Updates the progress of a picture, or of a batch under one name."""

    def leave(self, picture: str) -> None:
        """Removes a picture, or a batch under one name."""

    def finish(self, picture: str, failure: str) -> None:
        """Records that a picture is done, or has failed if `failure` is not empty."""


@contextmanager
def show(total: int, quiet: bool = False) -> Iterator[Display]:
    """Provides a display for `total` pictures that suits stderr."""
    if quiet:
        yield Display()
    elif sys.stderr.isatty():
        with _bars() as bars:
            yield BarDisplay(bars, total)
    else:
        lines = LineDisplay(total)
        with _repeated(lines.print):
            yield lines


class LineDisplay(Display):
    """Prints lines that say how many pictures are done, and how far the current ones are."""

    def __init__(self, total: int) -> None:
        self._total, self._done = total, 0
        self._running: dict[str, Progress] = {}

    def advance(self, picture: str, at: Progress) -> None:
        """Stores the picture's progress."""
        self._running[picture] = at

    def leave(self, picture: str) -> None:
        """Forgets the picture's progress."""
        self._running.pop(picture, None)

    def finish(self, picture: str, failure: str) -> None:
        """Counts the picture as done."""
        self.leave(picture)
        self._done += 1

    def print(self) -> None:
        """Prints the line, unless it is empty."""
        parts = [f"{self._done} of {self._total} pictures"] if self._total > 1 else []
        parts += [_line_of(picture, at) for picture, at in list(self._running.items())]
        if parts:
            tell("; ".join(parts))


class BarDisplay(Display):
    """Shows a bar for all pictures, if there are several, and one for each current picture."""

    def __init__(self, bars: Bars, total: int) -> None:
        self._bars, self._total, self._done, self._failed = bars, total, 0, 0
        self._tasks: dict[str, TaskID] = {}
        self._all = bars.add_task("pictures", total=total, state=f"0/{total}") if total > 1 else None

    def advance(self, picture: str, at: Progress) -> None:
        """Moves the picture's bar."""
        # Started by the first report, so that after an earlier failure there is only its message.
        self._bars.start()
        if picture not in self._tasks:
            self._tasks[picture] = self._bars.add_task("", total=at.steps, state="")
        name = f"{picture}: " if self._all is not None else ""
        self._bars.update(
            self._tasks[picture],
            description=f"{printable(name)}{at.phase:<6}",
            completed=at.step,
            total=at.steps,
            state=f"step {at.step}/{at.steps} {_quality(at)}" if at.steps else "",
        )

    def leave(self, picture: str) -> None:
        """Removes the picture's bar, unless it is the only one."""
        if picture in self._tasks and self._all is not None:
            self._bars.remove_task(self._tasks.pop(picture))

    def finish(self, picture: str, failure: str) -> None:
        """Removes the picture's bar and advances that of all pictures."""
        self.leave(picture)
        self._done += 1
        self._failed += bool(failure)
        if self._all is not None:
            failed = f", {self._failed} failed" if self._failed else ""
            self._bars.update(self._all, completed=self._done, state=f"{self._done}/{self._total}{failed}")


def _quality(at: Progress) -> str:
    return " ".join([*(f"{name} {value:.1f}" for name, value in at.psnr.items()), "dB" if at.psnr else ""])


def _line_of(picture: str, at: Progress) -> str:
    name = f"{picture}: " if picture else ""
    steps = f", step {at.step} of {at.steps}, {_quality(at)}" if at.steps else ""
    return f"{name}{at.phase}{steps}".rstrip(", ")


@contextmanager
def _bars() -> Iterator[Bars]:
    # Fits 80 columns; on narrower terminals the remaining time is cut off first.
    columns = (
        TextColumn("{task.description}", markup=False),  # names of files are no markup
        BarColumn(bar_width=8),
        TextColumn("{task.fields[state]}"),
        TimeRemainingColumn(compact=True),
        TextColumn("left"),
    )
    bars = Bars(*columns, console=Console(stderr=True), refresh_per_second=4)
    try:
        yield bars
    finally:
        if bars.live.is_started:
            bars.stop()


@contextmanager
def _repeated(action: Callable[[], None]) -> Iterator[None]:
    """Calls `action` every SECONDS in another thread."""
    ended = threading.Event()

    def repeat() -> None:
        while not ended.wait(SECONDS):
            action()

    thread = threading.Thread(target=repeat, daemon=True)
    thread.start()
    try:
        yield
    finally:
        ended.set()
        thread.join()
