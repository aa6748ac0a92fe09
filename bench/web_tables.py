"""Tables of the web page's times and downloads, in Markdown, from results in bench/results."""

from bench.tables import Result


def decode_web(result: Result) -> str:
    """Compares decoding in the browser with the obvious graph."""
    about, (width, height) = result["machine"], result["size"]
    where = (
        f"{about['date']}, {about['processor']}, {about['cores']} cores, Chromium {about['chromium']}, "
        f"onnxruntime-web {about['onnxruntime-web']}"
    )
    lines = [
        f"`npm run bench` in `web_demo`, {width}×{height}, ms ({where}); in brackets how many times "
        "as fast as the obvious graph on as many threads. Cold: including the start of the decoder.",
        "",
        "| family | network | one thread, cold | one thread | two | gain | obvious, one thread |",
        "|---|---|--:|--:|--:|--:|--:|",
    ]
    for r in result["decodes"]:
        one, two = r["threads_1"], r["threads_2"]
        times = " | ".join(f"{t['ours']['warm_ms']:.0f} ({t['ratio']:.1f}×)" for t in (one, two))
        gain = one["ours"]["warm_ms"] / two["ours"]["warm_ms"]
        lines.append(
            f"| {r['family']} | {r['name']} | {one['ours']['cold_ms']:.0f} | {times} | {gain:.2f}× "
            f"| {one['obvious']['warm_ms']:.0f} |"
        )
    coarse = ", ".join(f"{r['family']} {r['name']} {r['ms']:.0f} ms" for r in result["coarse"])
    lines += ["", f"From a network's bytes to its first, coarse picture in a warm page: {coarse}."]
    if whole := ", ".join(
        f"{r['name']} {r['warm_ms']:.0f} ms ({r['cold_ms']:.0f})" for r in result.get("whole", [])
    ):
        lines += [
            "From a `lapped` file's bytes to its last pixel, one thread, in a warm page (in brackets: the "
            f"first time in a page, whose decoder started while the file was loading): {whole}."
        ]
    return "\n".join(lines)


def first_second(result: Result) -> str:
    """Returns the times and bytes of a first visit to the page over slow links, in each browser."""
    about = result["machine"]
    browsers = ", ".join(f"{name} {version}" for name, version in about["browsers"].items())
    screens = " and ".join(
        f"a {v['name']} of {v['width']}×{v['height']} ({v['density']}×)" for v in result["viewports"]
    )
    lines = [
        f"`npm run first-second` in `web_demo`, with empty caches, medians of {result['runs']} visits "
        f"({about['date']}, {about['processor']}, {about['cores']} cores with a load of {about['load']}; "
        f"{browsers}); {screens}. Auto's picture: the level that the page chooses by itself. Wire: all bytes "
        "until it is drawn, headers included.",
        "",
        "| browser | screen | link | preview, ms | first level | Auto's picture | bytes of it | wire, kB |",
        "|---|---|---|--:|--:|--:|--:|--:|",
    ]
    for r in result["rows"]:
        lines.append(
            f"| {r['browser']} | {r['viewport']} | {r['megabits']} Mbit/s, {r['latency']} ms "
            f"| {r['preview_ms']:,} | {r['level_ms']:,} | {r['auto_ms']:,} | {r['auto_bytes']:,} "
            f"| {r['wire_bytes'] / 1000:.0f} |"
        )
    return "\n".join(lines)


def download(result: Result) -> str:
    """Returns the bytes of the parts of the page that a visitor fetches, and of the two decoders."""
    lines = ["| part of the page | bytes | gzip | Brotli |", "|---|--:|--:|--:|"]
    total = {
        "part": "together",
        **{k: sum(p[k] for p in result["parts"]) for k in ("bytes", "gzip", "brotli")},
    }
    for p in [*result["parts"], total]:
        lines.append(f"| {p['part']} | {p['bytes']:,} | {p['gzip']:,} | {p['brotli']:,} |")
    light, onnx = result["engines"]["light"], result["engines"]["onnx"]
    lines += [
        "",
        f"The npm package as one file, all that another page needs, has {light:,} bytes as Brotli; "
        f"ONNX Runtime Web, which is fetched only if a visitor chooses it, has {onnx:,}.",
    ]
    return "\n".join(lines)
