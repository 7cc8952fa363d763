"""What is read of the files that users name, and how an image that stands alone is opened."""

from __future__ import annotations

import os
import random
import socket
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from io import BytesIO
from pathlib import Path
from typing import IO

import pytest
from PIL import Image

from cnncli.data.formats.pixels import FORMATS, open_image
from cnncli.errors import CnnError
from cnncli.io import files
from cnncli.io.files import exists, is_file, open_regular, read_bytes

EPS = b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 4 4\n%%EndComments\nshowpage\n%%EOF\n"


def refused(path: Path) -> str:
    with pytest.raises(CnnError) as caught:
        open_regular(path)
    return str(caught.value)


def test_only_regular_files_are_opened(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "fifo")
    listening = socket.socket(socket.AF_UNIX)
    listening.bind(str(tmp_path / "socket"))
    (tmp_path / "zero").symlink_to("/dev/zero")
    (tmp_path / "link").symlink_to(tmp_path / "file")
    (tmp_path / "file").write_bytes(b"abc")
    assert refused(tmp_path / "fifo").startswith(f"{tmp_path}/fifo: is a FIFO (named pipe), not a regular file")
    assert "is a socket, not a regular file" in refused(tmp_path / "socket")
    assert "is a device, not a regular file" in refused(tmp_path / "zero")
    assert "is a directory, not a regular file" in refused(tmp_path)
    assert "is not a path" in refused(Path("a\0b"))
    listening.close()
    with open_regular(tmp_path / "link") as file:
        assert file.read() == b"abc"


def test_a_file_is_read_up_to_its_limit(tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.write_bytes(b"x" * (1 << 20))
    assert read_bytes(path, 1 << 20) == b"x" * (1 << 20)
    path.write_bytes(b"x" * ((1 << 20) + 1))
    with pytest.raises(CnnError, match="is larger than 1 MiB"):
        read_bytes(path, 1 << 20)


@pytest.mark.skipif(not Path("/dev/fd").is_dir(), reason="descriptors have no names")
@pytest.mark.parametrize("folder", files.DESCRIPTORS)
def test_a_pipe_of_a_shell_is_read_to_its_end_and_limit_where_it_may_be_one(folder: str) -> None:
    for content, limit in ((b"abc" * 100_000, 1 << 20), (b"x" * (1 << 21), 1 << 20)):
        writer = subprocess.Popen(["sh", "-c", "sleep 0.2; cat"], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        assert writer.stdin is not None and writer.stdout is not None
        path = f"{folder}/{writer.stdout.fileno()}"
        with ThreadPoolExecutor() as threads:
            threads.submit(feed, writer.stdin, content)
            if len(content) <= limit:
                assert read_bytes(path, limit, fifo=True) == content
            else:
                with pytest.raises(CnnError, match="is larger than 1 MiB"):
                    read_bytes(path, limit, fifo=True)
            writer.stdout.close()
        writer.wait()


def feed(stream: IO[bytes], content: bytes) -> None:
    with suppress(BrokenPipeError), stream:
        stream.write(content)


@pytest.mark.parametrize("may_be_one", [True, False])
def test_a_fifo_in_a_folder_is_not_waited_for(tmp_path: Path, may_be_one: bool) -> None:
    os.mkfifo(tmp_path / "net.yaml")
    with pytest.raises(CnnError, match=r"is a FIFO \(named pipe\), not a regular file") as refusal:
        read_bytes(tmp_path / "net.yaml", fifo=may_be_one)
    assert ("or - for standard input" in str(refusal.value)) == may_be_one


def test_nothing_but_a_regular_file_that_can_be_looked_at_is_a_file(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    (tmp_path / "link").symlink_to("file")
    (tmp_path / "loop").symlink_to("loop")
    os.mkfifo(tmp_path / "fifo")
    assert is_file(tmp_path / "file") and is_file(str(tmp_path / "link"))
    for name in ("loop", "fifo", "missing", "file/below", ".", "x" * 5000, "a\0b", "\ud800"):
        assert not is_file(f"{tmp_path}/{name}") and exists(f"{tmp_path}/{name}") == (name in ("fifo", "."))


@pytest.mark.parametrize("kind", ["PNG", "BMP", "GIF", "WEBP", "TIFF", "PPM"])
def test_an_image_is_opened_whatever_its_name(tmp_path: Path, kind: str) -> None:
    assert kind in FORMATS
    path = tmp_path / "picture.eps"
    Image.new("RGB", (5, 3), (255, 0, 0)).save(path, kind, **({"lossless": True} if kind == "WEBP" else {}))
    with open_image(path) as image:
        assert image.convert("RGB").getpixel((4, 2)) == (255, 0, 0)


def test_other_formats_than_those_listed_stay_closed(tmp_path: Path) -> None:
    (tmp_path / "eps.png").write_bytes(EPS)
    Image.new("RGB", (4, 4)).save(tmp_path / "x.png", "ICO")
    for name in ("eps.png", "x.png"):
        said = "it is not a JPEG, PNG, BMP, GIF, WEBP, TIFF or PPM file"
        with pytest.raises(CnnError, match=said), open_image(tmp_path / name):
            pytest.fail("it was opened")


def test_an_image_beyond_the_limit_of_pixels_is_refused_before_it_is_decoded(tmp_path: Path) -> None:
    path = tmp_path / "large.png"
    content = BytesIO()
    Image.new("1", (10, 10)).save(content, "PNG")
    for size in ((10_000, 9_000), (100_000, 100_000)):  # where Pillow warns, and where it raises
        path.write_bytes(_resized(content.getvalue(), size))
        with pytest.raises(CnnError, match="more than Pillow's limit of 89,478,485 pixels"), open_image(path):
            pytest.fail("it was opened")


def _resized(png: bytes, size: tuple[int, int]) -> bytes:
    """A PNG whose header says another size, with the checksum of that header."""
    import zlib

    header = b"IHDR" + size[0].to_bytes(4) + size[1].to_bytes(4) + png[24:29]
    return png[:12] + header + zlib.crc32(header).to_bytes(4) + png[33:]


def test_a_file_that_is_too_large_to_be_an_image_is_not_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "sparse.png"
    with path.open("wb") as file:
        file.truncate(files.MAX_FILE_BYTES + 1)
    with pytest.raises(CnnError, match="is larger than 256 MiB"), open_image(path):
        pytest.fail("it was opened")


def test_the_readers_of_images_print_nothing(tmp_path: Path) -> None:
    """Neither Pillow's warnings nor what libtiff itself writes to file descriptor 2."""
    chosen = random.Random(0)
    noise = Image.frombytes("RGB", (40, 40), chosen.randbytes(4800))
    for number in range(40):
        content = BytesIO()
        noise.save(content, "TIFF", compression=["tiff_lzw", "tiff_adobe_deflate"][number % 2])
        broken = bytearray(content.getvalue())
        for _ in range(5):
            broken[chosen.randrange(8, len(broken))] = chosen.randrange(256)
        (tmp_path / f"{number}.tif").write_bytes(broken)
    script = """
import sys
from pathlib import Path
from PIL import Image
from cnncli.data.formats.pixels import open_image
from cnncli.errors import CnnError
refused = 0
for path in Path(sys.argv[1]).iterdir():
    if sys.argv[2] == "ours":
        try:
            with open_image(path) as image:
                image.load()
        except CnnError:
            refused += 1
    else:
        try:
            with Image.open(path) as image:
                image.load()
        except Exception:
            refused += 1
print(refused)
"""
    said = {
        who: subprocess.run([sys.executable, "-c", script, tmp_path, who], capture_output=True, text=True, check=True)
        for who in ("ours", "Pillow's")
    }
    assert said["ours"].stdout == said["Pillow's"].stdout != "0\n"
    assert said["ours"].stderr == "" and said["Pillow's"].stderr != ""
