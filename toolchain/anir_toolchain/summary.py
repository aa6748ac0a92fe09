"""Summarizes the outcomes of a command's pictures, in a line or a table."""

from anir_runtime.terminal import printable
from rich import box
from rich.table import Table
from rich.text import Text

from anir_toolchain.jobs import Outcome

_MOST_ROWS = 1000
"""Most pictures that a table lists one by one; of more, it lists those that failed."""
_MOST_NAMES = 20
"""Most failed pictures that a message names; each has had a message of its own before."""


def one_line(outcome: Outcome) -> str:
    """Describes the outcome of one picture that did not fail in a line."""
    target = outcome.job.target
    if not outcome.fitted:
        return f"{target}: done already; --force fits it again"
    quality = "" if outcome.psnr is None else f", about {outcome.psnr:.1f} dB at best"
    return f"{target}: {outcome.job.picture.name}, {outcome.bytes:,} bytes{quality}, {_seconds([outcome])} s"


def as_summary(outcomes: list[Outcome]) -> Table:
    """Returns the outcomes of several pictures as a rich table, sorted by name, with totals.

    Of very many pictures only those that failed are listed.
    """
    table = Table(box=box.SIMPLE_HEAD, caption="dB: the largest network, on a sample of pixels")
    table.add_column("picture", overflow="fold")
    for heading in ("bytes", "dB", "s"):
        table.add_column(heading, justify="right", no_wrap=True)
    fitted = [outcome for outcome in outcomes if outcome.fitted]
    failed = [outcome for outcome in outcomes if outcome.failure]
    listed = outcomes if len(outcomes) <= _MOST_ROWS else failed
    for outcome in sorted(listed, key=lambda outcome: outcome.job.picture):
        table.add_row(Text(printable(str(outcome.job.picture))), *_cells(outcome))
    table.add_section()
    before = len(outcomes) - len(fitted) - len(failed)
    total = f"{len(fitted):,} fitted, {before:,} done before, {len(failed):,} failed"
    table.add_row(total, f"{sum(outcome.bytes for outcome in outcomes):,}", "", _seconds(fitted))
    return table


def failures(outcomes: list[Outcome]) -> str:
    """Says in a line how many pictures failed, and names the first ones; empty if none did."""
    names = [str(outcome.job.picture) for outcome in outcomes if outcome.failure]
    more = f" and {len(names) - _MOST_NAMES:,} more" if len(names) > _MOST_NAMES else ""
    listed = ", ".join(names[:_MOST_NAMES])
    return f"{len(names):,} of {len(outcomes):,} pictures failed: {listed}{more}" if names else ""


def _cells(outcome: Outcome) -> tuple[str, str, str]:
    if outcome.failure:
        return "failed", "", ""
    if not outcome.fitted:
        return f"{outcome.bytes:,}", "", "before"
    quality = "" if outcome.psnr is None else f"{outcome.psnr:.1f}"
    return f"{outcome.bytes:,}", quality, _seconds([outcome])


def _seconds(outcomes: list[Outcome]) -> str:
    return f"{sum(outcome.seconds for outcome in outcomes):.0f}"
