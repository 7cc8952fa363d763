"""The limits that the documentation names are those of the code."""

from __future__ import annotations

from PIL import Image
from program import ROOT

from cnncli.data.download import connection, fetch
from cnncli.data.formats import archives, csv_rows, decoding, pixels
from cnncli.data.sources.wds import samples
from cnncli.io import files


def test_the_documented_limits_are_those_that_hold() -> None:
    text = (ROOT / "docs" / "training.md").read_text(encoding="utf-8")
    section = text.partition("## Untrusted data")[2].partition("\n## ")[0]
    rows = dict(line.strip("| ").split(" | ") for line in section.splitlines() if line.startswith("| "))
    mib = 1 << 20
    said = {
        "an image, a mask": f"{files.MAX_FILE_BYTES // mib} MiB, and Pillow's {Image.MAX_IMAGE_PIXELS:,} pixels",
        "encoded images": f"{decoding.BATCH} of them, or {decoding.BATCH_BYTES // mib} MiB and one image",
        "the numbers of a `csv:`": f"at {csv_rows.CSV_MEMORY} bytes for each byte of the file",
        "the headers of one": f"{archives.MAX_HEADERS // mib} MiB",
        "the list of": f"{archives.MAX_LISTED // mib // 1024} GiB, at 512 bytes and its name each",
        "what a compressed": f"{archives.MAX_UNPACKED // mib // 1024} GiB, or {archives.MAX_RATIO} times its size",
        "memory to unpack xz": f"{archives.MAX_XZ_MEMORY // mib} MiB",
        "the class of a sample": f"{samples.MOST_BYTES // mib} MiB",
        "a download": f"{fetch.MAX_REQUESTS} requests to a mirror, {connection.MIN_RATE // 1000} kB per second",
    }
    assert connection.WINDOW == 60 and "over each minute" in section
    for start, limit in said.items():
        (found,) = (row for what, row in rows.items() if what.startswith(start))
        assert limit in found
    assert f"{', '.join(pixels.FORMATS[:-1])} or {pixels.FORMATS[-1]}" in " ".join(section.split())
