"""The table of prefixes beside files of one level, in Markdown."""

from bench.tables import Result, measured_with


def one_level(result: Result) -> str:
    """PSNR of both kinds of file, and what a level costs in the file that has all."""
    own = result["summary"]
    rates = [f"{rate:g}" for rate in own["rates"]]
    rows = (("sixteen levels", own["levels"]), ("a file of one level", own["alone"]))
    levels = ", ".join(f"{excess:.1f}" for excess in own["excess_percent"])
    return "\n".join(
        [
            f"Mean PSNR in dB over {own['pictures']} Kodak pictures, lapped, 4 bits, preset "
            f"`{result['preset']}` ({measured_with(result['machine'])}): on straight lines between the "
            "levels' ends over the logarithm of the rate.",
            "",
            f"| bpp | {' | '.join(rates)} |",
            "|---|" + "--:|" * len(rates),
            *(f"| {name} | {' | '.join(f'{quality:.2f}' for quality in row)} |" for name, row in rows),
            "",
            "How many per cent more bits a prefix takes for its PSNR, from the first level to the last: "
            f"{levels}.",
        ]
    )
