"""Archives made to be read for ever, to take all memory or to break their reader: each is an error, or is read."""

from __future__ import annotations

import bz2
import gzip
import io
import lzma
import os
import struct
import tarfile
import time
import zipfile
from pathlib import Path

import pytest
from data_tars import png, write_tar
from hostile import limited, mutated, mutations
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from program import SHARED

from cnncli.data import load_dataset
from cnncli.data.formats import archives, decoding
from cnncli.data.formats.containers import open_source
from cnncli.errors import INTERNAL_ERROR, CnnError

FILES = {f"{name}/{number}.png": png(10 * number) for name in ("cat", "dog") for number in range(3)}
SAMPLES = {f"{n}.{end}": content for n in range(9) for end, content in (("png", png(n)), ("cls", b"%d" % (n % 2)))}


def member(name: str, size: int, kind: bytes = tarfile.REGTYPE) -> bytes:
    """The header of a tar member that says it has ``size`` bytes, whatever that is."""
    info = tarfile.TarInfo(name)
    info.size, info.type = size, kind
    return info.tobuf(tarfile.GNU_FORMAT)


def pax(records: dict[str, str]) -> bytes:
    """A pax header with these records, and the header of the member that it is of."""
    info = tarfile.TarInfo("cat/0.png")
    info.pax_headers = records
    return info.create_pax_header(info.get_info(), "utf-8")


def failure(path: Path) -> str:
    with pytest.raises(CnnError) as caught:
        load_dataset(f"images:{path}", (1, 8, 8))
    return str(caught.value)


@pytest.mark.parametrize("kind", [tarfile.REGTYPE, tarfile.XHDTYPE, tarfile.GNUTYPE_LONGNAME, tarfile.XGLTYPE])
@pytest.mark.parametrize("size", [-1, -512, -1024, -(10**6)])
def test_a_negative_size_is_an_error(tmp_path: Path, kind: bytes, size: int) -> None:
    path = tmp_path / "x.tar"
    path.write_bytes(member("cat/0.png", 0) + member("cat/1.png", size, kind) + bytes(2048))
    assert "the archive is damaged" in failure(path)


@pytest.mark.parametrize("size", ["-512", "-1024", str(10**30), "9" * 5000, "x", "１２"])
def test_a_size_in_a_pax_record_is_taken_as_what_it_is(tmp_path: Path, size: str) -> None:
    path = tmp_path / "x.tar"
    path.write_bytes(pax({"size": size}) + member("dog/0.png", 0) + bytes(2048))
    assert failure(path).startswith(f"{path}: ")


@pytest.mark.parametrize("kind", [tarfile.XHDTYPE, tarfile.GNUTYPE_LONGNAME, tarfile.GNUTYPE_LONGLINK, tarfile.XGLTYPE])
def test_long_names_and_records_are_not_read_beyond_their_limit(tmp_path: Path, kind: bytes) -> None:
    path = tmp_path / "x.tar.gz"
    with gzip.open(path, "wb", 1) as file:
        file.write(member("long", 3 << 30, kind))
        file.write(bytes(1 << 24))
    assert "whose headers take more than 1 MiB" in failure(path)


def test_a_name_as_long_as_pax_allows_is_read(tmp_path: Path) -> None:
    long = "x" * 200
    path = write_tar(tmp_path / "x.tar", {name.replace("/", f"/{long}/"): data for name, data in FILES.items()})
    assert len(load_dataset(f"images:{path}", (1, 8, 8)).train.labels) == 4


def test_an_endless_map_of_a_sparse_file_is_an_error(tmp_path: Path) -> None:
    path = tmp_path / "x.tar.gz"
    records = {"GNU.sparse.major": "1", "GNU.sparse.minor": "0", "GNU.sparse.name": "cat/0.png"}
    with gzip.open(path, "wb", 1) as file:
        file.write(pax(records) + b"99999999\n" + b"1\n" * (1 << 22))
    assert "whose headers take more than 1 MiB" in failure(path)


def test_headers_nested_without_end_are_an_error(tmp_path: Path) -> None:
    path = tmp_path / "x.tar"
    path.write_bytes(member("x", 0, tarfile.XHDTYPE) * 5000 + bytes(1024))
    assert failure(path).startswith(f"{path}: the archive is damaged (maximum recursion depth")


def test_members_behind_the_end_of_a_tar_are_not_left_out_in_silence(tmp_path: Path) -> None:
    whole = write_tar(tmp_path / "a.tar", FILES).read_bytes()
    (tmp_path / "b.tar").write_bytes(whole + whole)
    assert "data follows its end, as if two archives had been joined" in failure(tmp_path / "b.tar")
    (tmp_path / "c.tar").write_bytes(whole + bytes(1 << 20))
    assert len(open_source(tmp_path / "c.tar").entries) == len(FILES)


@pytest.mark.parametrize("pack", [gzip.compress, bz2.compress, lzma.compress])
def test_what_unpacks_to_far_more_than_its_size_is_an_error(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, pack: object
) -> None:
    monkeypatch.setattr(archives, "MAX_UNPACKED", 1 << 22)
    path = tmp_path / "x.tar.packed"
    path.write_bytes(pack(member("cat/0.png", 1 << 40) + bytes(1 << 23)))  # type: ignore[operator]
    assert "unpacks to more than 4 MiB, 100 times its size or more\n  if you trust it, unpack it" in failure(path)


def test_an_xz_that_wants_gigabytes_of_memory_is_an_error(tmp_path: Path) -> None:
    path = tmp_path / "x.tar.xz"
    filters = [{"id": lzma.FILTER_LZMA2, "preset": 0, "dict_size": 1536 << 20}]
    packer = lzma.LZMACompressor(filters=[{**filters[0], "dict_size": 1 << 20}])
    packed = bytearray(packer.compress(write_tar(tmp_path / "x.tar", FILES).read_bytes()) + packer.flush())
    packed[16] = 39  # the size of the dictionary in the header of the block: 3 GiB
    import zlib

    length = (packed[12] + 1) * 4
    packed[12 + length - 4 : 12 + length] = struct.pack("<I", zlib.crc32(packed[12 : 12 + length - 4]))
    path.write_bytes(packed)
    assert "Memory usage limit" in failure(path)


@pytest.mark.parametrize("parts", [1, 3])
@given(cut=st.integers(0, 60_000), padding=st.integers(0, 3))
@settings(max_examples=20, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_xz_is_read_as_lzma_reads_it(tmp_path: Path, parts: int, cut: int, padding: int) -> None:
    """Streams that follow each other, with zeros between them, and every place to read at."""
    content = os.urandom(20_000)
    path = tmp_path / "x.xz"
    path.write_bytes((lzma.compress(content) + bytes(4 * padding)) * parts)
    with archives.unpacked(path) as stream:
        stream.seek(cut)
        assert stream.read() == (content * parts)[cut:]
        stream.seek(0)
        assert stream.read(100) == content[:100]
    path.write_bytes(path.read_bytes()[:10_000])
    with pytest.raises(EOFError), archives.unpacked(path) as stream:
        stream.read()


def test_a_later_file_of_the_same_name_replaces_the_earlier_and_a_note_says_so(tmp_path: Path) -> None:
    doubled = [*FILES.items(), ("./cat/0.png", png(200)), ("cat//1.png", png(210))]
    with tarfile.open(tmp_path / "x.tar", "w") as tar, zipfile.ZipFile(tmp_path / "x.zip", "w") as packed:
        for name, content in doubled:
            info = tarfile.TarInfo(name)
            info.size = len(content)
            tar.addfile(info, io.BytesIO(content))
            packed.writestr(name, content)
    for name in ("x.tar", "x.zip"):
        data = load_dataset(f"images:{tmp_path / name}", (1, 4, 4))
        assert data.notes[0] == "skipped: 2 replaced by later files of the same name"
        found = {int(image[0, 0, 0]) for split in (data.train, data.test) for image in split.images}
        assert found == {200, 210, 20, 0, 10}


@pytest.mark.parametrize("name", ["", ".", "/", "//", "./"])
def test_a_member_without_a_name_is_counted(tmp_path: Path, name: str) -> None:
    path = write_tar(tmp_path / "x.tar", {**FILES, name: png(1)})
    assert load_dataset(f"images:{path}", (1, 4, 4)).notes[0] == "skipped: 1 without a name"


def zipped(name: str, content: bytes, compression: int = zipfile.ZIP_DEFLATED) -> bytes:
    data = io.BytesIO()
    with zipfile.ZipFile(data, "w", compression) as archive:
        archive.writestr(name, content)
    return data.getvalue()


def repeated(one: bytes, name: bytes, names: list[bytes]) -> bytes:
    """A zip of one member as a zip of many with its content; all names have the same length."""
    start = one.index(b"PK\1\2")
    end = one.index(b"PK\5\6")
    local, central = one[:start], one[start:end]
    body, listing = b"", b""
    for each in names:
        offset = struct.pack("<I", len(body))
        entry = central.replace(name, each)
        listing += entry[:42] + offset + entry[46:]
        body += local.replace(name, each)
    count, size = len(names), len(listing)
    return body + listing + struct.pack("<4s4H2IH", b"PK\5\6", 0, 0, count, count, size, len(body), 0)


def test_a_zip_that_unpacks_to_10_gib_needs_the_memory_of_one_image(tmp_path: Path) -> None:
    one = zipped("cat/00.png", bytes(250 << 20))
    names = [b"%s/%02d.png" % (name, number) for name in (b"cat", b"dog") for number in range(20)]
    (tmp_path / "x.zip").write_bytes(repeated(one, b"cat/00.png", names))
    ended = limited("data", f"images:{tmp_path}/x.zip", "--input", "1x8x8")
    assert ended.code == 2 and "cannot be read as an image: it is not a JPEG" in ended.err


@pytest.mark.parametrize("compression", [zipfile.ZIP_DEFLATED, zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA])
def test_a_member_of_a_zip_that_is_larger_than_it_says_is_read_no_further(tmp_path: Path, compression: int) -> None:
    packed = bytearray(
        zipped("cat/00.png", bytes(1 << (28 if compression == zipfile.ZIP_DEFLATED else 22)), compression)
    )
    packed[22:26] = struct.pack("<I", 100)
    start = packed.index(b"PK\1\2")
    packed[start + 24 : start + 28] = struct.pack("<I", 100)
    (tmp_path / "x.zip").write_bytes(
        repeated(bytes(packed), b"cat/00.png", [b"cat/00.png", b"dog/00.png", b"dog/01.png"])
    )
    ended = limited("data", f"images:{tmp_path}/x.zip", "--input", "1x8x8", memory=900 << 20)
    assert ended.code == 2 and "x.zip: the archive is damaged" in ended.err


@given(sizes=st.lists(st.integers(0, 200), max_size=300), most=st.integers(1, 1000))
def test_batches_hold_all_files_in_order_and_no_more_bytes_than_the_limit_and_one_file(
    sizes: list[int], most: int
) -> None:
    files = [(str(number), bytes(size)) for number, size in enumerate(sizes)]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(decoding, "BATCH_BYTES", most)
        batches = [*decoding._batches(files)]
    assert [file for batch in batches for file in batch] == files
    assert all(len(batch) <= decoding.BATCH for batch in batches)
    assert all(sum(len(content) for _, content in batch[:-1]) < most for batch in batches)


@pytest.mark.parametrize("kind", ["fifo", "zero", "loop"])
@pytest.mark.parametrize("spec", ["images:{}", "wds:{}"])
def test_what_is_no_regular_file_is_refused_at_once(tmp_path: Path, kind: str, spec: str) -> None:
    path = tmp_path / "x"
    if kind == "fifo":
        os.mkfifo(path)
    else:
        path.symlink_to("/dev/zero" if kind == "zero" else path)
    ended = limited("data", spec.format(path), "--input", "1x8x8", seconds=20)
    assert ended.code == 2 and str(path) in ended.err and INTERNAL_ERROR not in ended.err


def test_links_to_devices_fifos_and_loops_in_a_folder_are_counted_and_not_read(tmp_path: Path) -> None:
    for name, content in FILES.items():
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_bytes(content)
    (tmp_path / "cat/zero.png").symlink_to("/dev/zero")
    (tmp_path / "cat/loop").symlink_to(tmp_path)
    os.mkfifo(tmp_path / "dog/fifo.png")
    data = load_dataset(f"images:{tmp_path}", (1, 8, 8))
    assert data.notes[0] == "skipped: 3 links"


@pytest.mark.parametrize("name", ["a\nb", "a\x1b[31m", "\u202eb", "a\\b", "b\udcff", "..", "..."])
def test_names_of_any_characters_are_names(tmp_path: Path, name: str) -> None:
    path = write_tar(tmp_path / "x.tar", {**FILES, f"cat/{name}.png": png(77)})
    data = load_dataset(f"images:{path}", (1, 4, 4))
    hidden = name.startswith(".")
    assert len(data.train.labels) + len(data.test.labels) == len(FILES) + (not hidden)


MUTATED = {
    "tar": lambda folder: write_tar(folder / "x.tar", FILES).read_bytes(),
    "tar.gz": lambda folder: write_tar(folder / "x.tar", FILES, "w:gz").read_bytes(),
    "tar.xz": lambda folder: write_tar(folder / "x.tar", FILES, "w:xz").read_bytes(),
    "tar.bz2": lambda folder: write_tar(folder / "x.tar", FILES, "w:bz2").read_bytes(),
    "zip": lambda folder: _zip_of(FILES),
    "wds": lambda folder: write_tar(folder / "x.tar", SAMPLES).read_bytes(),
}


def _zip_of(files: dict[str, bytes]) -> bytes:
    data = io.BytesIO()
    with zipfile.ZipFile(data, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in files.items():
            archive.writestr(name, content)
    return data.getvalue()


@pytest.mark.parametrize("form", MUTATED)
@given(changes=mutations())
@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_a_mutated_archive_is_a_dataset_or_an_error_for_the_user(
    tmp_path: Path, form: str, changes: list[tuple[float, str, bytes]]
) -> None:
    path = tmp_path / "mutated"
    path.write_bytes(mutated(MUTATED[form](tmp_path), changes))
    started = time.process_time()
    try:
        data = load_dataset(f"{'wds' if form == 'wds' else 'images'}:{path}", (1, 4, 4))
        data.train.images.read(range(len(data.train.labels))) if form == "wds" else None  # type: ignore[union-attr]
    except CnnError as error:
        assert str(path) in str(error)
    assert time.process_time() - started < 5


HOSTILE = SHARED / "reference" / "hostile"


@pytest.mark.skipif(not HOSTILE.is_dir(), reason="no hostile files beside this checkout")
@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("images:neg512.tar", "--input", "1x8x8"), "negative size"),
        (("wds:neg512.tar", "--input", "1x8x8"), "negative size"),
        (("images:paxsparse.tar", "--input", "1x8x8"), "is damaged"),
        (("images:emptyname.zip", "--input", "1x8x8"), "is damaged"),
        (("cifar10", "--data-dir", "."), "cifar-10-binary.tar.gz: the archive is damaged"),
    ],
)
def test_the_hostile_files_are_errors_for_the_user(
    monkeypatch: pytest.MonkeyPatch, arguments: tuple[str, ...], said: str
) -> None:
    monkeypatch.chdir(HOSTILE)
    ended = limited("data", *arguments)
    assert ended.code == 2 and said in ended.err and INTERNAL_ERROR not in ended.err
