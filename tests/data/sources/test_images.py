from __future__ import annotations

import io
import re
import struct
import tarfile
import warnings
import zipfile
import zlib
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

import cnncli.data.formats.decoding
from cnncli.data import Dataset, load_dataset
from cnncli.data.formats.containers import DAMAGED, FileEntry
from cnncli.data.sources.class_folders import WANTED, split_class_folders
from cnncli.errors import CnnError
from cnncli.io.files import IMAGE_FORMATS

Files = dict[str, bytes]
HELD_OUT = "no test/ folder: one image in 5 of each class is held out as the test split"
SHAPE = (3, 4, 4)


def image(value: int = 0, mode: str = "RGB", size: tuple[int, int] = (4, 4), kind: str = "PNG") -> bytes:
    color = value if mode in ("L", "1", "P", "I;16", "F") else (value,) * len(mode)
    content = io.BytesIO()
    Image.new(mode, size, color).save(content, kind)
    return content.getvalue()


def cats_and_dogs(each: int = 5, above: str = "") -> Files:
    """Images whose pixels are all one value: cats 0, 1, 2, …, dogs 100, 101, …"""
    return {
        f"{above}{name}/{number}.png": image(first + number)
        for name, first in (("cat", 0), ("dog", 100))
        for number in range(each)
    }


def as_folder(folder: Path, files: Files) -> Path:
    path = folder / "images"
    path.mkdir()
    for name, content in files.items():
        (path / name).parent.mkdir(parents=True, exist_ok=True)
        (path / name).write_bytes(content)
    return path


def as_tar(folder: Path, files: Files, mode: str = "w:gz", ending: str = ".tar.gz") -> Path:
    path = folder / f"images{ending}"
    with tarfile.open(path, mode) as archive:  # type: ignore[call-overload]
        for name, content in files.items():
            member = tarfile.TarInfo(name)
            member.type = tarfile.DIRTYPE if name.endswith("/") else tarfile.REGTYPE
            member.size = len(content)
            archive.addfile(member, io.BytesIO(content))
    return path


def as_zip(folder: Path, files: Files) -> Path:
    path = folder / "images.zip"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in files.items():
            archive.writestr(name, content)
    return path


SOURCES: dict[str, Callable[[Path, Files], Path]] = {
    "folder": as_folder,
    "tar": lambda folder, files: as_tar(folder, files, "w", ".tar"),
    "tar.gz": as_tar,
    "tgz": lambda folder, files: as_tar(folder, files, "w:gz", ".tgz"),
    "tar.xz": lambda folder, files: as_tar(folder, files, "w:xz", ".tar.xz"),
    "tar.bz2": lambda folder, files: as_tar(folder, files, "w:bz2", ".tar.bz2"),
    "zip": as_zip,
}
every_source = pytest.mark.parametrize("stored", SOURCES.values(), ids=SOURCES)


def load(path: Path, shape: tuple[int, ...] = SHAPE) -> Dataset:
    return load_dataset(f"images:{path}", shape)


def failure(path: Path, shape: tuple[int, ...] = SHAPE) -> str:
    with pytest.raises(CnnError) as error:
        load(path, shape)
    return str(error.value)


def values(split) -> list[int]:
    """The value of each image's pixels, all of which are the same."""
    assert (split.images == split.images[:, :1, :1, :1]).all()
    return split.images[:, 0, 0, 0].tolist()


# --- which image is what


@every_source
def test_train_and_test_folders(tmp_path: Path, stored: Callable[[Path, Files], Path]) -> None:
    # the archive's own order is the wrong way round, and the order of the rows is not
    files = dict(reversed((cats_and_dogs(3, "train/") | cats_and_dogs(1, "test/")).items()))
    path = stored(tmp_path, files)
    data = load(path)
    assert data.name == f"images:{path}"
    assert data.classes == ("cat", "dog")
    assert values(data.train) == [0, 1, 2, 100, 101, 102]
    assert data.train.labels.tolist() == [0, 0, 0, 1, 1, 1]
    assert values(data.test) == [0, 100]
    assert data.test.labels.tolist() == [0, 1]
    assert (data.train.images.dtype, data.train.labels.dtype) == (np.uint8, np.int64)
    assert data.train.images.shape == (6, *SHAPE)
    assert data.notes == ()


@every_source
def test_without_a_test_folder_the_same_fifth_is_held_out_of_each_source(
    tmp_path: Path, stored: Callable[[Path, Files], Path]
) -> None:
    data = load(stored(tmp_path, cats_and_dogs(10)))
    assert values(data.test) == [0, 8, 105, 107]
    assert sorted(values(data.train) + values(data.test)) == [*range(10), *range(100, 110)]
    assert data.test.labels.tolist() == [0, 0, 1, 1]
    assert data.notes == (HELD_OUT,)


@pytest.mark.parametrize("test", ["test", "val", "valid", "Test", "validation"])
@every_source
def test_one_folder_around_everything(tmp_path: Path, stored: Callable[[Path, Files], Path], test: str) -> None:
    data = load(stored(tmp_path, cats_and_dogs(2, "cifar/train/") | cats_and_dogs(1, f"cifar/{test}/")))
    assert values(data.train) == [0, 1, 100, 101]
    assert values(data.test) == [0, 100]


def test_one_folder_around_the_classes(tmp_path: Path) -> None:
    assert load(as_folder(tmp_path, cats_and_dogs(2, "top/"))).classes == ("cat", "dog")


def test_test_goes_before_val_and_the_rest_is_noted(tmp_path: Path) -> None:
    files = {"train/x.png": b"", "readme.txt": b""}
    for part in ("train/", "test/", "val/", "more/"):
        files |= cats_and_dogs(2, part)
    data = load(as_folder(tmp_path, files))
    assert data.notes == (
        "skipped: 1 not images",
        "not read: more/, val/",
        "skipped: 1 outside the class folders",
    )


def test_folders_inside_a_class_belong_to_it(tmp_path: Path) -> None:
    files = cats_and_dogs(2, "train/") | cats_and_dogs(1, "test/") | {"train/cat/small/9.png": image(9)}
    assert values(load(as_folder(tmp_path, files)).train) == [0, 1, 9, 100, 101]


def test_a_class_without_test_images_is_noted(tmp_path: Path) -> None:
    files = cats_and_dogs(2, "train/") | {"test/dog/1.png": image(1)}
    data = load(as_folder(tmp_path, files))
    assert data.test.labels.tolist() == [1]
    assert data.notes == ("test/ has no images of cat",)


def test_what_is_no_image_is_counted(tmp_path: Path) -> None:
    files = cats_and_dogs() | {"cat/a.txt": b"", "cat/.x.png": b"", "__MACOSX/cat/x.png": b"", "dog/Thumbs.db": b""}
    folder = as_folder(tmp_path, files)
    (folder / "cat" / "link.png").symlink_to(folder / "cat" / "1.png")
    (folder / "bird").symlink_to(folder / "cat")
    data = load(folder)
    assert data.classes == ("cat", "dog")
    assert data.notes == ("skipped: 2 hidden, 2 links, 2 not images", HELD_OUT)


def test_links_and_names_in_an_archive_reach_nothing_outside(tmp_path: Path) -> None:
    (tmp_path / "secret.png").write_bytes(image(9))
    path = tmp_path / "images.tar"
    as_tar(tmp_path, cats_and_dogs() | {"../secret.png": image(8), "cat/../../x.png": image(8)}, "w", ".tar")
    with tarfile.open(path, "a") as archive:
        for name, kind in (("cat/soft.png", tarfile.SYMTYPE), ("cat/hard.png", tarfile.LNKTYPE)):
            link = tarfile.TarInfo(name)
            link.type, link.linkname = kind, "../secret.png"
            archive.addfile(link)
    data = load(path)
    assert len(data.train.labels) + len(data.test.labels) == 10
    assert data.notes == ("skipped: 2 hidden, 2 links", HELD_OUT)
    assert sorted(each.name for each in tmp_path.iterdir()) == ["images.tar", "secret.png"]


def test_a_later_member_of_the_same_name_replaces_the_earlier(tmp_path: Path) -> None:
    path = as_tar(tmp_path, cats_and_dogs(2, "train/") | cats_and_dogs(1, "test/"), "w", ".tar")
    with tarfile.open(path, "a") as archive:
        member = tarfile.TarInfo("train/cat/1.png")
        member.size = len(image(50))
        archive.addfile(member, io.BytesIO(image(50)))
    assert values(load(path).train) == [0, 50, 100, 101]


names = st.lists(
    st.tuples(
        st.sampled_from(["train", "test", "cat", "dog", "x"]), st.sampled_from(["cat", "dog", "a.png"]), st.text("ab.")
    ),
    unique=True,
    max_size=8,
)


@given(names, st.randoms(use_true_random=False))
def test_the_order_of_entries_has_no_influence(paths: list[tuple[str, ...]], random) -> None:
    entries = [FileEntry((*path[:-1], path[-1] + ".png"), "file") for path in paths]
    shuffled = random.sample(entries, len(entries))

    def outcome(given: list[FileEntry]) -> object:
        try:
            return split_class_folders(Path("p"), given)
        except CnnError as error:
            return str(error)

    assert outcome(entries) == outcome(shuffled)


@given(st.lists(st.integers(1, 30), min_size=2, max_size=4))
def test_every_image_is_held_out_or_trained_with(counts: list[int]) -> None:
    entries = [FileEntry((f"class{i}", f"{j}.png"), "file") for i, count in enumerate(counts) for j in range(count)]
    if max(counts) == 1:
        return
    arranged = split_class_folders(Path("p"), entries)
    assert {entry for entry, _ in arranged.train + arranged.test} == set(entries)
    assert len(arranged.train) + len(arranged.test) == len(entries)
    for number, count in enumerate(counts):
        held_out = sum(label == number for _, label in arranged.test)
        assert held_out == (max(count // 5, 1) if count > 1 else 0)


# --- pixels


def with_test(files: Files) -> Files:
    """A whole dataset around the training images ``files``."""
    return {f"train/{name}": content for name, content in files.items()} | cats_and_dogs(1, "test/")


def test_resizing_is_pillows_antialiased_bilinear(tmp_path: Path) -> None:
    noise = np.random.default_rng(0).integers(0, 256, (9, 15, 3), np.uint8)
    content = io.BytesIO()
    Image.fromarray(noise).save(content, "PNG")
    path = as_folder(tmp_path, with_test({"cat/a.png": content.getvalue(), "dog/b.png": image()}))
    data = load(path, (3, 4, 6))
    expected = np.asarray(Image.fromarray(noise).resize((6, 4), Image.Resampling.BILINEAR))
    assert np.array_equal(data.train.images[0], expected.transpose(2, 0, 1))
    assert data.notes == ("4 of 4 images resized from 4x4 and 9x15 to 4x6",)


def test_many_sizes_are_summed_up(tmp_path: Path) -> None:
    files = {f"cat/{size}.png": image(size=(size, 2 * size)) for size in (5, 6, 7)} | {"dog/a.png": image()}
    assert load(as_folder(tmp_path, with_test(files))).notes == (
        "3 of 6 images resized from 3 sizes (10x5 to 14x7) to 4x4",
    )


@pytest.mark.parametrize(
    "mode, value, shape, expected, note",
    [
        ("L", 7, (1, 4, 4), 7, None),
        ("RGB", 7, (1, 4, 4), 7, "from RGB to grayscale"),
        ("L", 7, (3, 4, 4), 7, "from grayscale to RGB"),
        ("RGBA", 7, (3, 4, 4), 7, "from RGBA to RGB"),
        ("LA", 7, (1, 4, 4), 7, "from LA to grayscale"),
        ("1", 1, (1, 4, 4), 255, "from black and white to grayscale"),
        ("I;16", 257 * 100, (1, 4, 4), 100, "from 16-bit grayscale to grayscale"),
        ("I;16", 65535, (3, 4, 4), 255, "from 16-bit grayscale to RGB"),
    ],
)
def test_modes_are_converted_and_noted(
    tmp_path: Path, mode: str, value: int, shape: tuple[int, ...], expected: int, note: str | None
) -> None:
    png = image(value, mode)
    files = {f"{part}/{name}/a.png": png for part in ("train", "test") for name in ("cat", "dog")}
    data = load(as_folder(tmp_path, files), shape)
    assert data.train.images.shape == (2, *shape)
    assert (data.train.images == expected).all()
    assert data.notes == ((f"4 of 4 images converted {note}",) if note else ())


def test_transparent_palettes_and_large_files_warn_of_nothing(tmp_path: Path) -> None:
    content = io.BytesIO()
    Image.new("P", (200, 200), 3).save(content, "PNG", transparency=bytes(range(256)))
    noise = np.random.default_rng(0).integers(0, 256, (200, 200, 3), np.uint8)
    large = io.BytesIO()
    Image.fromarray(noise).save(large, "PNG")
    assert len(large.getvalue()) > 4 * cnncli.data.formats.decoding.MIN_THREADED_BYTES
    path = as_folder(tmp_path, with_test({"cat/a.png": content.getvalue(), "dog/b.png": large.getvalue()}))
    with warnings.catch_warnings(record=True) as seen:
        assert load(path).train.images.shape == (2, *SHAPE)
    assert seen == []


def test_threads_change_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = as_folder(tmp_path, cats_and_dogs(70))
    alone = load(path)
    monkeypatch.setattr(cnncli.data.formats.decoding, "MIN_THREADED_BYTES", 0)
    assert np.array_equal(load(path).train.images, alone.train.images)


def test_every_ending_can_be_read(tmp_path: Path) -> None:
    files = {f"cat/a{ending.upper()}": image(0, kind=kind) for ending, kind in IMAGE_FORMATS.items()}
    data = load(as_folder(tmp_path, with_test(files | {"dog/a.png": image()})))
    assert (data.train.labels == 0).sum() == len(IMAGE_FORMATS)


# --- what can be wrong


def test_a_path_is_needed() -> None:
    with pytest.raises(CnnError) as error:
        load_dataset("images:", SHAPE)
    hint = "use images:PATH, a folder or an archive with one folder per class"
    assert str(error.value) == f"images: needs a path\n  {hint}"


@pytest.mark.parametrize(
    "shape, message",
    [
        (
            (32,),
            "images have 3 axes, but the network's input 32 has 1\n"
            "  give the network an input of channels, height and width, such as 3x32x32",
        ),
        (
            (2, 8, 8),
            "images have 1 channel (grayscale) or 3 (RGB), but the network's input 2x8x8 has 2\n"
            "  give the network an input of 1 or 3 channels",
        ),
    ],
)
def test_shapes_that_images_have_not(tmp_path: Path, shape: tuple[int, ...], message: str) -> None:
    assert failure(tmp_path, shape) == message


def test_nothing_there(tmp_path: Path) -> None:
    path = tmp_path / "none"
    assert failure(path) == f"{path}: no such file or folder\n  check the path"


def test_a_name_too_long_to_exist() -> None:
    path = Path("x" * 5000)
    assert failure(path) == f"{path}: cannot be read (File name too long)"


@pytest.mark.parametrize("content", [b"", b"some text", image(), b"x" * 2000])
def test_not_an_archive(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "file"
    path.write_bytes(content)
    problem = "is neither a folder nor a .tar, .tar.gz, .tgz or .zip archive"
    assert failure(path) == f"{path}: {problem}\n  check the path"


@every_source
def test_no_images(tmp_path: Path, stored: Callable[[Path, Files], Path]) -> None:
    path = stored(tmp_path, {"cat/notes.txt": b""})
    assert failure(path) == f"{path}: contains no images\n  skipped: 1 not images; {WANTED}"


def test_what_is_wanted() -> None:
    assert WANTED == "expected one folder of images per class, such as cat/ and dog/, alone or inside train/ and test/"


ARRANGED_WRONGLY = {
    "no class folders": (
        {"a.png": b"", "b.png": b""},
        f"has no class folders; at least two are needed\n  {WANTED}",
    ),
    "one class": (
        {"cat/a.png": b""},
        f"has only one class folder, cat; at least two are needed\n  {WANTED}",
    ),
    "test alone": (
        {"test/cat/a.png": b"", "test/dog/a.png": b""},
        f"has test/ but no train/\n  {WANTED}",
    ),
    "an empty class": (
        {"cat/a.png": b"", "dog/a.txt": b""},
        "no images in dog/\n  put images there, or remove the folder",
    ),
    "empty classes in train": (
        {"train/cat/a.png": b"", "train/dog/a.txt": b"", "train/emu/a.txt": b"", "test/cat/a.png": b""},
        "no images in train/dog/, train/emu/\n  put images there, or remove the folder",
    ),
    "a class for the test alone": (
        {"train/cat/a.png": b"", "train/dog/a.png": b"", "test/cat/a.png": b"", "test/emu/a.png": b""},
        "test/ has classes that train/ does not have: emu\n"
        "  the test classes must be those of training: rename or remove the others",
    ),
    "no classes in test": (
        {"train/cat/a.png": b"", "train/dog/a.png": b"", "test/a.png": b""},
        f"no class folders in test/\n  {WANTED}",
    ),
    "nothing left to test with": (
        {"cat/a.png": b"", "dog/a.png": b""},
        "every class has a single image, so none can be held out for testing\n"
        "  add images, or a test/ folder beside train/",
    ),
}


@pytest.mark.parametrize("files, problem", ARRANGED_WRONGLY.values(), ids=ARRANGED_WRONGLY)
def test_folders_that_make_no_dataset(tmp_path: Path, files: Files, problem: str) -> None:
    path = as_folder(tmp_path, files)
    assert failure(path) == f"{path}: {problem}"


@pytest.mark.parametrize("stored", [as_tar, as_zip])
def test_an_empty_class_folder_is_seen_in_an_archive_too(tmp_path: Path, stored: Callable[[Path, Files], Path]) -> None:
    path = stored(tmp_path, cats_and_dogs(2) | {"emu/": b""})
    assert failure(path) == f"{path}: no images in emu/\n  put images there, or remove the folder"


@every_source
def test_a_corrupt_image_is_named(tmp_path: Path, stored: Callable[[Path, Files], Path]) -> None:
    path = stored(tmp_path, cats_and_dogs() | {"cat/3.png": b"GIF? no."})
    assert failure(path) == (
        f"{path}: cat/3.png cannot be read as an image: it is not a JPEG, PNG, BMP, GIF, WEBP, TIFF or PPM file\n"
        "  replace or remove it"
    )


def test_a_truncated_image_is_named(tmp_path: Path) -> None:
    noise = np.random.default_rng(0).integers(0, 256, (64, 64, 3), np.uint8)
    content = io.BytesIO()
    Image.fromarray(noise).save(content, "JPEG")
    path = as_folder(tmp_path, cats_and_dogs() | {"cat/3.jpg": content.getvalue()[:-2000]})
    start, end = f"{path}: cat/3.jpg cannot be read as an image: ", "\n  replace or remove it"
    message = failure(path)
    assert re.fullmatch(rf"{re.escape(start)}image file is truncated.*{end}", message), message


def test_float_pixels_are_refused(tmp_path: Path) -> None:
    path = as_folder(tmp_path, cats_and_dogs() | {"cat/3.tif": image(1, "F", kind="TIFF")})
    assert failure(path) == (
        f"{path}: cat/3.tif cannot be read as an image: its pixels are floats of unknown range\n  replace or remove it"
    )


@pytest.mark.parametrize("side", [10_000, 60_000])  # Pillow warns of the first, and refuses the second
def test_a_decompression_bomb_is_refused(tmp_path: Path, side: int) -> None:
    def chunk(kind: bytes, content: bytes) -> bytes:
        return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(kind + content))

    header = chunk(b"IHDR", struct.pack(">2I5B", side, side, 8, 2, 0, 0, 0))
    bomb = b"\x89PNG\r\n\x1a\n" + header + chunk(b"IDAT", b"") + chunk(b"IEND", b"")
    path = as_folder(tmp_path, cats_and_dogs() | {"cat/3.png": bomb})
    assert failure(path) == (
        f"{path}: cat/3.png cannot be read as an image: it has more than Pillow's limit of 89,478,485 pixels\n"
        "  replace or remove it"
    )


@pytest.mark.parametrize("stored", [as_folder, as_tar, as_zip])
def test_a_file_no_image_can_be_as_large_as(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, stored: Callable[[Path, Files], Path]
) -> None:
    monkeypatch.setattr("cnncli.data.formats.containers.MAX_FILE_BYTES", 1 << 20)
    path = stored(tmp_path, cats_and_dogs() | {"cat/3.png": bytes((1 << 20) + 1)})
    assert failure(path) == f"{path}: cat/3.png is larger than 1 MiB\n  no image is that large: remove it"


@pytest.mark.parametrize("stored", [as_tar, as_zip])
def test_an_archive_of_more_than_half_of_the_memory_is_refused_first(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, stored: Callable[[Path, Files], Path]
) -> None:
    monkeypatch.setattr("cnncli.data.memory_limit.machine_bytes", lambda: 2**30)
    path = stored(tmp_path, cats_and_dogs() | {"cat/3.png": b"never read"})
    assert failure(path, (3, 10_000, 10_000)) == (
        f"{path}: 10 images of 3x10000x10000 would need 2.8 GiB, more than half of this machine's 1.0 GiB\n"
        "  unpack it: the images of a folder can stay on disk; or give the network a smaller input"
    )


TOO_SHORT = f"the archive ends too early\n  {DAMAGED}"


@pytest.mark.parametrize("keep", [0.1, 0.5, 0.9])
@pytest.mark.parametrize("kind", [kind for kind in SOURCES if kind != "folder"])
def test_a_truncated_archive(tmp_path: Path, kind: str, keep: float) -> None:
    noise = np.random.default_rng(0).bytes(3000)  # not to be packed away
    path = SOURCES[kind](tmp_path, cats_and_dogs(20) | {f"cat/{n}.png": noise for n in range(20, 40)})
    content = path.read_bytes()
    path.write_bytes(content[: int(len(content) * keep)])
    assert failure(path) == f"{path}: {TOO_SHORT}"


@pytest.mark.parametrize("lost", [512, 700, 1024, 5 * 1024])
def test_a_tar_that_ends_between_or_inside_headers(tmp_path: Path, lost: int) -> None:
    path = as_tar(tmp_path, cats_and_dogs(), "w", ".tar")
    with tarfile.open(path) as archive:
        end = archive.getmembers()[-1].offset + 1024
    path.write_bytes(path.read_bytes()[: end + 512 - lost + 511])
    assert failure(path) == f"{path}: {TOO_SHORT}"


def test_a_damaged_gzip(tmp_path: Path) -> None:
    path = as_tar(tmp_path, cats_and_dogs())
    content = path.read_bytes()
    path.write_bytes(content[:-8] + bytes(4) + content[-4:])
    assert failure(path) == f"{path}: the archive is damaged (its checksum is wrong)\n  {DAMAGED}"


def test_a_damaged_member_of_a_zip(tmp_path: Path) -> None:
    path = tmp_path / "images.zip"
    with zipfile.ZipFile(path, "w") as archive:
        for name, content in cats_and_dogs().items():
            archive.writestr(name, content)
    assert image(2) in path.read_bytes()
    path.write_bytes(path.read_bytes().replace(image(2), image(2)[:-1] + b"x"))
    assert failure(path) == f"{path}: the archive is damaged (its checksum is wrong)\n  {DAMAGED}"


def test_an_encrypted_zip(tmp_path: Path) -> None:
    path = as_zip(tmp_path, cats_and_dogs())
    content = bytearray(path.read_bytes())
    content[content.index(b"PK\x01\x02") + 8] |= 1
    path.write_bytes(content)
    assert failure(path) == f"{path}: the archive is encrypted\n  unpack it and use the folder"


@pytest.mark.slow
def test_the_real_cifar10(shared_data: Path) -> None:
    data = load(shared_data / "cifar10-jpeg.tar.gz", (3, 32, 32))
    assert (data.train.images.shape, data.test.images.shape) == ((50000, 3, 32, 32), (10000, 3, 32, 32))
    assert np.bincount(data.train.labels).tolist() == [5000] * 10
    assert data.classes[3] == "cat"
    assert data.notes == ()
    means = data.train.images.mean(axis=(0, 2, 3)) / 255
    assert means == pytest.approx([0.4914, 0.4822, 0.4465], abs=0.002)  # CIFAR-10's; JPEG loses a little
