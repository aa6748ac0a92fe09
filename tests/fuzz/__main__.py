"""Opens thousands of damaged files and counts the outcomes.

Usage: python -m tests.fuzz --seconds 20 [--seed 1] [--carrier onnx] [--keep FOLDER] [-o RESULT.json]

A damaged file may be refused with an AnirError or drawn. Anything else is a finding: another exception, a
crash of the process, more than two seconds (ten for a picture), or more than 256 MiB (1 GiB for a picture).
The exit code is 1 if there are findings.
"""

import argparse
import json
import random
import sys
import time
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

from tests.fuzz.carriers import CARRIERS, Carrier
from tests.fuzz.opener import Opener

Counts = Counter[tuple[str, str, str]]
"""Numbers of files by carrier, name of their first mutation, and verdict."""
_LARGEST = 2**24
"""Most bytes of a damaged file; mutations to larger files are dropped, as they would only cost time."""


@dataclass(frozen=True)
class Finding:
    """A damaged file that was neither refused nor drawn within the limits."""

    carrier: str
    kind: str
    detail: str
    data: bytes


def parser() -> argparse.ArgumentParser:
    """Returns the parser of the command line."""
    options = argparse.ArgumentParser(prog="python -m tests.fuzz", description=__doc__)
    options.add_argument("--seconds", type=float, default=20)
    options.add_argument("--seed", type=int, default=1)
    options.add_argument("--carrier", choices=sorted(CARRIERS), action="append")
    options.add_argument("--keep", type=Path, help="folder for the files of findings")
    options.add_argument("-o", "--output", type=Path, help="result as JSON")
    return options


def main() -> int:
    """Runs the fuzzer and returns the exit code."""
    options = parser().parse_args()
    names = options.carrier or sorted(CARRIERS)
    counts, findings = Counts(), list[Finding]()
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


def summary(counts: Counts, findings: list[Finding], seed: int) -> dict[str, object]:
    """Returns numbers of files by carrier, first mutation and verdict, and the findings, as JSON values."""
    carriers: dict[str, dict[str, dict[str, int]]] = {}
    for (carrier, kind, verdict), count in sorted(counts.items()):
        carriers.setdefault(carrier, {}).setdefault(kind, {})[verdict] = count
    found = [{"carrier": f.carrier, "kind": f.kind, "detail": f.detail} for f in findings]
    return {"seed": seed, "files": sum(counts.values()), "carriers": carriers, "findings": found}


def fuzz(
    carrier: Carrier,
    seconds: float,
    rng: random.Random,
    counts: Counts,
    findings: list[Finding],
) -> None:
    """Opens damaged files of one kind for some seconds, in a separate process, as it may crash."""
    seeds = carrier.seeds()
    opener = Opener(carrier.name)
    # The time starts only here: starting the process and importing its modules do not count.
    end = time.monotonic() + seconds
    try:
        while time.monotonic() < end:
            changes = [rng.choice(carrier.mutations) for _ in range(rng.choice((1, 1, 2, 4)))]
            data = rng.choice(seeds)
            for change in changes:
                changed = change(rng, data)
                if len(changed) <= _LARGEST:
                    data = changed
            verdict, detail = opener.open(data)
            counts[carrier.name, changes[0].__name__, verdict] += 1
            if verdict not in ("drawn", "refused"):
                findings.append(Finding(carrier.name, verdict, detail, data))
    finally:
        opener.close()


if __name__ == "__main__":
    sys.exit(main())
