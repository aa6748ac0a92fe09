"""Summarizes the outcomes of a command's pictures, in a line or a table."""

from anir_runtime.terminal import printable
from rich import box
from rich.table import Table
from rich.text import Text

from anir_toolchain.jobs import Outcome


def one_line(outcome: Outcome) -> str:
    """Describes the outcome of one picture that did not fail in a line."""
    target = outcome.job.target
    if not outcome.fitted:
        return f"{target}: done already; --force fits it again"
    quality = "" if outcome.psnr is None else f", about {outcome.psnr:.1f} dB at best"
    return f"{target}: {outcome.job.picture.name}, {outcome.bytes:,} bytes{quality}, {_seconds([outcome])} s"


def as_summary(outcomes: list[Outcome]) -> Table:
    """Returns the outcomes of several pictures as a rich table, sorted by name, with totals."""
    table = Table(box=box.SIMPLE_HEAD, caption="dB: the largest network, on a sample of pixels")
    table.add_column("picture", overflow="fold")
    for heading in ("bytes", "dB", "s"):
        table.add_column(heading, justify="right", no_wrap=True)
    for outcome in sorted(outcomes, key=lambda outcome: outcome.job.picture):
        table.add_row(Text(printable(str(outcome.job.picture))), *_cells(outcome))
    fitted = [outcome for outcome in outcomes if outcome.fitted]
    failed = sum(bool(outcome.failure) for outcome in outcomes)
    before = len(outcomes) - len(fitted) - failed
    table.add_section()
    total = f"{len(fitted)} fitted, {before} done before, {failed} failed"
    table.add_row(total, f"{sum(outcome.bytes for outcome in outcomes):,}", "", _seconds(fitted))
    return table


def _cells(outcome: Outcome) -> tuple[str, str, str]:
    if outcome.failure:
        return "failed", "", ""
    if not outcome.fitted:
        return f"{outcome.bytes:,}", "", "before"
    quality = "" if outcome.psnr is None else f"{outcome.psnr:.1f}"
    return f"{outcome.bytes:,}", quality, _seconds([outcome])


def _seconds(outcomes: list[Outcome]) -> str:
    return f"{sum(outcome.seconds for outcome in outcomes):.0f}"
