"""Opens damaged files in a separate process, as it may crash or hang, and judges the outcome."""

import multiprocessing
import resource
import time
import warnings
from multiprocessing.connection import Connection
from pathlib import Path

from anir_runtime.errors import AnirError, AnirWarning

from tests.fuzz.carriers import CARRIERS, Carrier
from tests.fuzz.probe import PROBE

_PATIENCE = 60.0
"""Seconds (wall-clock) after which opening a file counts as a time-out, and the process is killed."""


class Opener:
    """A process that opens files one after the other, and that is started again when it crashes or hangs."""

    def __init__(self, carrier: str) -> None:
        self._carrier = carrier
        self._start()

    def _start(self) -> None:
        self._pipe, other = multiprocessing.Pipe()
        self._process = multiprocessing.get_context("spawn").Process(
            target=_open_files, args=(self._carrier, other), daemon=True
        )
        self._process.start()
        other.close()
        self._pipe.recv()

    def open(self, data: bytes) -> tuple[str, str]:
        """Opens a file in the process; returns the verdict and details, like `judge`."""
        self._pipe.send_bytes(data)
        try:
            if self._pipe.poll(_PATIENCE):
                verdict, detail = self._pipe.recv()
                return verdict, detail
            found = "time-out", f"over {_PATIENCE:.0f} s"
        except EOFError:
            self._process.join()
            found = "crash", f"exit code {self._process.exitcode}"
        self.close()
        self._start()
        return found

    def close(self) -> None:
        """Ends the process."""
        self._process.kill()
        self._process.join()
        self._pipe.close()


def _open_files(name: str, pipe: Connection) -> None:
    carrier = PROBE if name == PROBE.name else CARRIERS[name]
    warnings.simplefilter("error", RuntimeWarning)
    warnings.simplefilter("ignore", AnirWarning)
    carrier.open(carrier.seeds()[0])
    pipe.send("ready")
    while True:
        data = pipe.recv_bytes()
        pipe.send(judge(carrier, data))


def judge(carrier: Carrier, data: bytes) -> tuple[str, str]:
    """Opens a file in this process; returns `drawn`, `refused` or a kind of finding, and details."""
    before, started = _forget_peak(), time.process_time()
    try:
        carrier.open(data)
        verdict, detail = "drawn", ""
    except AnirError as error:
        verdict, detail = "refused", str(error)
        if "\n" in detail or len(detail) > 1000:
            verdict = "message"
    except Exception as error:  # any other exception is a finding
        verdict, detail = "exception", f"{type(error).__name__}: {error}"[:300]
    elapsed, grown = time.process_time() - started, _peak() - before
    # Processor time, as wall-clock time depends on other processes.
    if elapsed > carrier.seconds:
        return "time-out", f"{elapsed:.1f} s"
    if grown > carrier.mebibytes:
        return "memory", f"{grown:.0f} MiB"
    return verdict, detail


def _forget_peak() -> float:
    """Resets the recorded peak of this process's memory, if on Linux; returns the current peak in MiB."""
    forget = Path("/proc/self/clear_refs")
    if forget.exists():
        forget.write_text("5")
    return _peak()


def _peak() -> float:
    """Returns the peak of this process's memory in MiB, on Linux since `_forget_peak`."""
    status = Path("/proc/self/status")
    if status.exists():
        return int(status.read_text().split("VmHWM:")[1].split()[0]) / 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
