"""Opens thousands of damaged files and counts what goes wrong.

Usage: python -m tests.fuzz --seconds 20 [--seed 1] [--carrier onnx] [--keep FOLDER] [-o RESULT.json]

A damaged file may be refused with an AnirError or drawn. Anything else is a finding: another exception, a
crash of the process, more than two seconds, or more than 256 MiB. The exit code is 1 if there are findings.
"""

import argparse
import json
import multiprocessing
import random
import resource
import sys
import time
from collections import Counter
from dataclasses import dataclass
from multiprocessing.connection import Connection
from pathlib import Path

from anir_runtime.errors import AnirError

from tests.fuzz.carriers import CARRIERS, Carrier

SECONDS, MEBIBYTES = 2.0, 256
_PATIENCE = 10.0
"""Seconds after which a file that is still being opened counts as a time-out, and its process is ended."""


@dataclass(frozen=True)
class Finding:
    """A damaged file that was neither refused nor drawn within the limits."""

    carrier: str
    kind: str
    detail: str
    data: bytes


def main() -> int:
    """Runs the fuzzer and returns the exit code."""
    parser = argparse.ArgumentParser(prog="python -m tests.fuzz", description=__doc__)
    parser.add_argument("--seconds", type=float, default=20)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--carrier", choices=sorted(CARRIERS), action="append")
    parser.add_argument("--keep", type=Path, help="folder for the files of findings")
    parser.add_argument("-o", "--output", type=Path, help="result as JSON")
    options = parser.parse_args()
    names = options.carrier or sorted(CARRIERS)
    counts, findings = Counter[tuple[str, str]](), list[Finding]()
    for name in names:
        share = options.seconds / len(names)
        fuzz(CARRIERS[name], share, random.Random(f"{options.seed} {name}"), counts, findings)
    result = summary(counts, findings, options.seed)
    print(json.dumps(result, indent=1))
    if options.output:
        options.output.write_text(json.dumps(result, indent=1) + "\n", encoding="utf-8")
    if options.keep:
        options.keep.mkdir(parents=True, exist_ok=True)
        for i, finding in enumerate(findings):
            (options.keep / f"{finding.carrier}-{i}-{finding.kind}").write_bytes(finding.data)
    return 1 if findings else 0


def summary(counts: Counter[tuple[str, str]], findings: list[Finding], seed: int) -> dict[str, object]:
    """Files by carrier and verdict, and what was found."""
    verdicts: dict[str, dict[str, int]] = {}
    for (carrier, verdict), count in sorted(counts.items()):
        verdicts.setdefault(carrier, {})[verdict] = count
    found = [{"carrier": f.carrier, "kind": f.kind, "detail": f.detail} for f in findings]
    return {"seed": seed, "files": sum(counts.values()), "verdicts": verdicts, "findings": found}


def fuzz(
    carrier: Carrier,
    seconds: float,
    rng: random.Random,
    counts: Counter[tuple[str, str]],
    findings: list[Finding],
) -> None:
    """Opens damaged files of one kind for so many seconds, in a process that may crash."""
    seeds = carrier.seeds()
    end = time.monotonic() + seconds
    opener = _Opener(carrier.name)
    try:
        while time.monotonic() < end:
            data = rng.choice(seeds)
            for _ in range(rng.choice((1, 1, 2, 4))):
                data = rng.choice(carrier.mutations)(rng, data)
            verdict, detail = opener.open(data)
            counts[carrier.name, verdict] += 1
            if verdict not in ("drawn", "refused"):
                findings.append(Finding(carrier.name, verdict, detail, data))
    finally:
        opener.close()


class _Opener:
    """A process that opens files one after the other, started again when it crashes or hangs."""

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
        """The verdict on a file, and details."""
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
    carrier = CARRIERS[name]
    carrier.open(carrier.seeds()[0])
    pipe.send("ready")
    while True:
        data = pipe.recv_bytes()
        pipe.send(judge(carrier, data))


def judge(carrier: Carrier, data: bytes) -> tuple[str, str]:
    """Opens one file in this process: the verdict, `drawn` or `refused` if all is well, and details."""
    before, started = _forget_peak(), time.monotonic()
    try:
        carrier.open(data)
        verdict, detail = "drawn", ""
    except AnirError as error:
        verdict, detail = "refused", str(error)
        if "\n" in detail or len(detail) > 1000:
            verdict = "message"
    except Exception as error:  # a finding, whatever it is
        verdict, detail = "exception", f"{type(error).__name__}: {error}"[:300]
    elapsed, grown = time.monotonic() - started, _peak() - before
    if elapsed > SECONDS:
        return "time-out", f"{elapsed:.1f} s"
    if grown > MEBIBYTES:
        return "memory", f"{grown:.0f} MiB"
    return verdict, detail


def _forget_peak() -> float:
    """Begins to measure the peak of this process's memory anew where Linux can; the memory now, in MiB."""
    forget = Path("/proc/self/clear_refs")
    if forget.exists():
        forget.write_text("5")
    return _peak()


def _peak() -> float:
    """The largest memory that this process has used since `_forget_peak`, in MiB."""
    status = Path("/proc/self/status")
    if status.exists():
        return int(status.read_text().split("VmHWM:")[1].split()[0]) / 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


if __name__ == "__main__":
    sys.exit(main())
