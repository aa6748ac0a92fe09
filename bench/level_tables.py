"""Tables of `.anir` files alone, in Markdown: prefixes and files of one level; drawings, with training."""

from bench.tables import Result, measured_with


def one_level(result: Result) -> str:
    """Returns the PSNR of all kinds of file, and the extra bits of each level in the file of sixteen."""
    own = result["summary"]
    rates = [f"{rate:g}" for rate in own["rates"]]
    rows = (
        ("sixteen levels", own["levels"]),
        ("a file of one level, coefficients not chosen for its network", own["alike"]),
        ("a file of one level", own["alone"]),
    )
    alike, alone = (
        ", ".join(f"{excess:.1f}" for excess in own["excess_percent"][kind]) for kind in ("alike", "alone")
    )
    return "\n".join(
        [
            f"Mean PSNR in dB over {own['pictures']} Kodak pictures, lapped, 4 bits, preset "
            f"`{result['preset']}` ({measured_with(result['machine'])}), interpolated linearly between the "
            "ends of levels over the logarithm of the rate.",
            "",
            f"| bpp | {' | '.join(rates)} |",
            "|---|" + "--:|" * len(rates),
            *(f"| {name} | {' | '.join(f'{quality:.2f}' for quality in row)} |" for name, row in rows),
            "",
            "How many per cent more bits a prefix takes than a file of one level at the same PSNR, from the "
            f"first level to the last: {alike} if that file's coefficients are not chosen for its network, "
            f"else {alone}.",
        ]
    )


def drawings(result: Result) -> str:
    """Returns each picture's PSNR at fixed rates, by preset and codec."""
    rates = " | ".join(f"{rate:g}" for rate in result["rates"])
    lines = []
    for picture, measured in result["pictures"].items():
        for name, own in measured.items():
            cells = " | ".join("–" if quality is None else f"{quality:.2f}" for quality in own["psnr"])
            label = f"`{name}`, {own['cpu_seconds']:.0f} s" if "cpu_seconds" in own else name
            lines.append(f"| {picture}, {label} | {cells} |")
    where = measured_with(result["machine"])
    return "\n".join(
        [
            f"PSNR in dB, 768×512, `lapped`, 4 bits, with the processor time of all levels ({where}):",
            "",
            f"| bpp | {rates} |",
            "|---|" + "--:|" * len(result["rates"]),
            *lines,
        ]
    )
