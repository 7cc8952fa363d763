"""Files with some bytes changed: each is a dataset, or one error that names it, in little time."""

from __future__ import annotations

import gzip
import io
import struct
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pytest
from data_tars import write_tar
from hostile import mutated, mutations
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from PIL import Image

from cnncli.data import Dataset, load_dataset
from cnncli.data.formats.pixels import NotDecoded, decode, open_image, strict
from cnncli.errors import CnnError

SECONDS = 5  # of the processor, for one file
FEW = settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
Changes = list[tuple[float, str, bytes]]

FORMS = {
    "png": ("RGB", {}),
    "palette.png": ("P", {}),
    "16 bits.png": ("I;16", {}),
    "jpg": ("RGB", {}),
    "cmyk.jpg": ("CMYK", {}),
    "bmp": ("RGB", {}),
    "gif": ("P", {}),
    "webp": ("RGB", {}),
    "lzw.tif": ("RGB", {"compression": "tiff_lzw"}),
    "deflate.tif": ("L", {"compression": "tiff_adobe_deflate"}),
    "jpeg.tif": ("RGB", {"compression": "jpeg"}),
    "raw.tif": ("F", {}),
    "ppm": ("RGB", {}),
    "pbm": ("1", {}),
}


def image(form: str) -> bytes:
    mode, options = FORMS[form]
    pixels = np.arange(24 * 16 * 4, dtype=np.uint32).reshape(24, 16, 4)
    made = Image.fromarray((pixels % 251).astype(np.uint8), "RGBA").convert("RGB")
    made = Image.fromarray((pixels[..., 0] * 7).astype(np.uint16)) if mode == "I;16" else made.convert(mode)
    content = io.BytesIO()
    ending = form.rpartition(".")[2]
    kind = {"jpg": "JPEG", "tif": "TIFF", "pbm": "PPM"}.get(ending, ending.upper())
    made.save(content, kind, **options)
    return content.getvalue()


@contextmanager
def quick() -> Iterator[None]:
    started = time.process_time()
    yield
    assert time.process_time() - started < SECONDS


@pytest.mark.parametrize("form", FORMS)
@given(changes=mutations(), channels=st.sampled_from([1, 3]))
@FEW
def test_a_mutated_image_is_decoded_or_said_to_be_none(
    tmp_path: Path, capfd: pytest.CaptureFixture[str], form: str, changes: Changes, channels: int
) -> None:
    content = mutated(image(form), changes)
    path = tmp_path / "x"
    path.write_bytes(content)
    with quick():
        try:
            with strict():
                found = decode(content, channels, 8, 8)
            assert found.pixels.shape == (channels, 8, 8)
        except NotDecoded as error:
            assert str(error)
        try:
            with open_image(path) as opened:
                opened.convert("RGB")
        except CnnError as error:
            assert str(error).startswith(f"{path}: cannot be read as an image: ")
    assert capfd.readouterr().err == ""


def loads(path: Path, spec: str, shape: tuple[int, ...], task: str = "auto", data_dir: Path | None = None) -> None:
    """It is a dataset with an image for each target, or an error that names the file."""
    with quick():
        try:
            data: Dataset = load_dataset(spec, shape, data_dir, task=task)
        except CnnError as error:
            assert any(name in str(error) for name in (str(path), path.name, "cifar10: "))
        else:
            for split in (data.train, data.test):
                assert split.images.shape[0] == len(split.labels) > 0


def idx(array: np.ndarray) -> bytes:  # type: ignore[type-arg]
    return (
        bytes((0, 0, 8, array.ndim)) + struct.pack(f">{array.ndim}I", *array.shape) + array.astype(np.uint8).tobytes()
    )


@pytest.mark.parametrize("packed", [bytes, gzip.compress])
@given(changes=mutations(), labels=st.booleans())
@FEW
def test_a_mutated_idx_file(tmp_path: Path, packed: Callable[[bytes], bytes], changes: Changes, labels: bool) -> None:
    folder = tmp_path / "mnist"
    folder.mkdir(exist_ok=True)
    for part, count in (("train", 20), ("t10k", 10)):
        (folder / f"{part}-images-idx3-ubyte").write_bytes(packed(idx(np.arange(count * 64).reshape(count, 8, 8))))
        (folder / f"{part}-labels-idx1-ubyte").write_bytes(packed(idx(np.arange(count) % 10)))
    broken = folder / f"train-{'labels-idx1' if labels else 'images-idx3'}-ubyte"
    broken.write_bytes(mutated(broken.read_bytes(), changes))
    loads(folder, "mnist", (1, 8, 8), data_dir=tmp_path)


@given(changes=mutations(), archive=st.booleans())
@FEW
def test_a_mutated_cifar_file(tmp_path: Path, changes: Changes, archive: bool) -> None:
    folder = tmp_path / ("packed" if archive else "plain") / "cifar10"
    folder.mkdir(parents=True, exist_ok=True)
    names = [*(f"data_batch_{number}.bin" for number in range(1, 6)), "test_batch.bin"]
    files = {name: bytes(3073 * 4) for name in names} | {"batches.meta.txt": b"a\nb\n"}
    if archive:
        path = write_tar(folder / "cifar-10-binary.tar.gz", files, "w:gz")
        path.write_bytes(mutated(path.read_bytes(), changes))
    else:
        for name, content in files.items():
            (folder / name).write_bytes(content)
        path = folder / "data_batch_2.bin"
        path.write_bytes(mutated(path.read_bytes(), changes))
    loads(path, "cifar10", (3, 32, 32), data_dir=folder.parent)


TABLES = (
    "a,b,class\n" + "".join(f"{n},{n / 7},{'xy'[n % 2]}\n" for n in range(20)),
    "".join(f"{n};{n * 2};{n % 3}\n" for n in range(20)),
    "x,y_one,y_two\n" + "".join(f'{n},"{n}",{n / 3}\n' for n in range(20)),
)


@pytest.mark.parametrize("table", TABLES)
@given(changes=mutations(), task=st.sampled_from(["auto", "classification", "regression", "segmentation"]))
@FEW
def test_a_mutated_table(tmp_path: Path, table: str, changes: Changes, task: str) -> None:
    path = tmp_path / "x.csv"
    path.write_bytes(mutated(table.encode(), changes))
    loads(path, f"csv:{path}", (), task)


@pytest.mark.parametrize("kind", ["L", "P", "RGB", "I;16"])
@given(changes=mutations(), mask=st.booleans())
@FEW
def test_a_mutated_mask(tmp_path: Path, kind: str, changes: Changes, mask: bool) -> None:
    for folder in ("images", "masks"):
        (tmp_path / folder).mkdir(exist_ok=True)
    for number in range(10):
        values = np.full((6, 6), number % 3, np.uint16 if kind == "I;16" else np.uint8)
        made = Image.fromarray(values)
        made = made if kind == "I;16" else made.convert(kind)
        made.save(tmp_path / f"masks/{number}.png")
        Image.fromarray(values.astype(np.uint8) * 80).save(tmp_path / f"images/{number}.png")
    broken = tmp_path / ("masks" if mask else "images") / "3.png"
    broken.write_bytes(mutated(broken.read_bytes(), changes))
    loads(broken, f"images:{tmp_path}", (1, 6, 6), "segmentation")


def test_a_mask_that_is_postscript_stays_closed(tmp_path: Path) -> None:
    for folder in ("images", "masks"):
        (tmp_path / folder).mkdir()
        for number in range(5):
            Image.new("L", (6, 6), number % 2).save(tmp_path / folder / f"{number}.png")
    (tmp_path / "masks/3.png").write_bytes(b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 4 4\n%%EndComments\n")
    with pytest.raises(CnnError, match=r"masks/3.png cannot be read as a mask: it is not a JPEG, PNG"):
        load_dataset(f"images:{tmp_path}", (1, 6, 6), task="segmentation")
