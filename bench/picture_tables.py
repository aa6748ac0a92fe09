"""Tables of the commands' time and memory and of how pictures are read, in Markdown."""

from bench.tables import Result, measured_with


def everyday(result: Result) -> str:
    """Returns time and memory of the commands, and how the time divides into their parts."""
    sizes = [picture["size"] for picture in result["pictures"]]
    headings = " | ".join(f"{width}×{height}: s | processor s | MiB" for width, height in sizes)
    lines = [
        f"`python -m bench.everyday` ({measured_with(result['machine'])}; load "
        f"{result['load']:.1f} at the start): seconds of wall-clock and of processor time, and peak memory, "
        "of a whole command including its start.",
        "",
        f"| command | {headings} |",
        "|---|" + "--:|" * (3 * len(sizes)),
    ]
    for rows in zip(*(picture["commands"] for picture in result["pictures"]), strict=True):
        cells = " | ".join(
            f"{r['seconds']:.0f} | {r['processor_seconds']:.0f} | {r['peak_mib']:,}" for r in rows
        )
        lines.append(f"| {rows[0]['name']} | {cells} |")
    lines += ["", f"What each command's seconds are spent on at {sizes[-1][0]}×{sizes[-1][1]}:", ""]
    for r in result["pictures"][-1]["commands"]:
        parts = sorted(r["parts"].items(), key=lambda part: -part[1])
        lines.append(f"- {r['name']}: " + ", ".join(f"{part} {seconds:.1f}" for part, seconds in parts))
    return "\n".join(lines)


def chromium(result: Result) -> str:
    """Returns how many pictures of public test sets have the mean colour that Chromium shows."""
    about, sets = result["machine"], result["sets"]
    lines = [
        f"`python -m bench.chromium` ({about['date']}, Chromium {about['chromium']}, Pillow "
        f"{about['pillow']}): pictures of public test sets whose mean red, green and blue on black, and mean "
        f"alpha, are within {result['limit']:g} levels of those that Chromium shows.",
        "",
        "| set | shown by both | within | all others |",
        "|---|--:|--:|---|",
    ]
    for name, own in sets.items():
        others = [f"{picture.rpartition('/')[2]} {what}" for picture, what in own["others"].items()]
        differ = "; ".join(other for other in others if "refused" not in other)
        refused = sum("refused here" in other for other in others)
        hdr = sum("HDR" in other for other in others)
        if refused:
            differ += f"{'; ' if differ else ''}{refused} that Chromium shows are refused ({hdr} are HDR)"
        lines.append(f"| {name} | {own['compared']:,} | {own['within']:,} | {differ} |")
    return "\n".join(lines)
