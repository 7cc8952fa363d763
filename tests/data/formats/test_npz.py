"""npz files: what numpy writes is read as numpy reads it, and no header costs more than the file holds."""

from __future__ import annotations

import io
import warnings
import zipfile
from pathlib import Path

import numpy as np
import pytest
from hostile import limited, mutated, mutations
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from program import SHARED

from cnncli.data import load_dataset
from cnncli.data.formats import npz
from cnncli.data.formats.npz import Npz, parse_header
from cnncli.data.unlabeled import tables
from cnncli.errors import CnnError

FAST = settings(deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
KINDS = ("?", "i1", "<i2", ">i4", "<i8", "u1", ">u2", "<u4", "<f2", ">f4", "<f8", "<U3", ">U2", "S4")


def npy(array: object) -> bytes:
    content = io.BytesIO()
    np.save(content, array)  # type: ignore[arg-type]
    return content.getvalue()


def zipped(path: Path, members: dict[str, bytes], compression: int = zipfile.ZIP_DEFLATED) -> Path:
    with zipfile.ZipFile(path, "w", compression) as archive:
        for name, content in members.items():
            archive.writestr(name, content)
    return path


def with_header(text: str, data: bytes = b"", version: bytes = b"\1\0") -> bytes:
    width = 2 if version == b"\1\0" else 4
    return b"\x93NUMPY" + version + len(text).to_bytes(width, "little") + text.encode() + data


def failure(path: Path, task: str = "auto") -> str:
    with pytest.raises(CnnError) as caught:
        load_dataset(f"npz:{path}", (1, 8, 8), task=task)
    return str(caught.value)


@given(
    array=hnp.arrays(st.sampled_from(KINDS).map(np.dtype), hnp.array_shapes(min_dims=0, max_dims=5, min_side=0)),
    fortran=st.booleans(),
    compression=st.sampled_from([zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED, zipfile.ZIP_LZMA, zipfile.ZIP_BZIP2]),
)
@FAST
def test_arrays_are_read_as_numpy_reads_them(tmp_path: Path, array: object, fortran: bool, compression: int) -> None:
    written = np.asfortranarray(array) if fortran else np.asarray(array)
    path = zipped(tmp_path / "x.npz", {"x.npy": npy(written), "other": npy(3)}, compression)
    with np.load(path) as theirs:
        expected = theirs["x"]
    ours = Npz(path)["x"]
    assert ours.dtype == expected.dtype and ours.shape == expected.shape
    assert np.array_equal(ours, expected, equal_nan=expected.dtype.kind == "f")
    assert Npz(path).names == ("x", "other")


@given(
    shape=st.lists(st.integers(0, 1000), max_size=6).map(tuple),
    fortran=st.booleans(),
    kind=st.sampled_from(KINDS),
)
@FAST
def test_the_header_that_numpy_writes_is_understood(shape: tuple[int, ...], fortran: bool, kind: str) -> None:
    described = np.lib.format.dtype_to_descr(np.dtype(kind))
    found = parse_header(repr({"descr": described, "fortran_order": fortran, "shape": shape}) + "   \n")
    assert found == (shape, fortran, np.dtype(kind))


def test_the_header_that_python_2_wrote_is_understood() -> None:
    found = parse_header("{'descr': '<f4', 'fortran_order': False, 'shape': (3L, 4L), }\n")
    assert found == ((3, 4), False, np.dtype("<f4"))


@pytest.mark.parametrize(
    "text",
    [
        "",
        "{}",
        "(" * 9000,
        "-" * 9000,
        "[" * 5000 + "]" * 5000,
        "{'descr': '<f4', 'fortran_order': False}",
        "{'descr': '|O', 'fortran_order': False, 'shape': (1,)}",
        "{'descr': '<c8', 'fortran_order': False, 'shape': (1,)}",
        "{'descr': '<i3', 'fortran_order': False, 'shape': (1,)}",
        "{'descr': '<U0', 'fortran_order': False, 'shape': (1000000000000,)}",
        "{'descr': '<U999999999', 'fortran_order': False, 'shape': (1,)}",
        "{'descr': [('a', '<f4')], 'fortran_order': False, 'shape': (1,)}",
        "{'descr': '<f4', 'fortran_order': False, 'shape': (-1,)}",
        "{'descr': '<f4', 'fortran_order': False, 'shape': (١,)}",
        "{'descr': '<f4', 'fortran_order': False, 'shape': (1_0,)}",
        "{'descr': '<f4', 'fortran_order': False, 'shape': (9223372036854775807, 9)}",
        "{'descr': '<f4', 'fortran_order': False, 'shape': (" + "9" * 5000 + ",)}",
        "{'descr': '<f4', 'fortran_order': False, 'shape': (" + "1," * 33 + ")}",
        "{'descr': '<f4', 'fortran_order': False, 'shape': (3), 'shape': (4)}",
        "{'descr': '<f4', 'fortran_order': False, 'shape': (1000000000,)}",
    ],
)
@pytest.mark.parametrize("version", [b"\1\0", b"\3\0"])
def test_a_header_of_another_kind_is_an_error(tmp_path: Path, text: str, version: bytes) -> None:
    path = zipped(tmp_path / "x.npz", {"x.npy": with_header(text, bytes(4), version), "y.npy": npy(np.arange(9))})
    assert failure(path).startswith(f"{path}: is not an npz file: ")


@pytest.mark.parametrize(
    "start", [b"", b"\x93NUMPY", b"\x93NUMPY\1\0\xff", b"\x93NUMPY\2\0\xff\xff\xff\xff", b"PK", b"\x93NUMPY\7\0"]
)
def test_what_is_no_array_is_an_error(tmp_path: Path, start: bytes) -> None:
    path = zipped(tmp_path / "x.npz", {"x.npy": start, "y.npy": npy(np.arange(9))})
    assert "is not an npz file" in failure(path)


def test_texts_beyond_unicode_are_an_error(tmp_path: Path) -> None:
    labels = np.full(10, 0x110000, np.uint32)
    text = with_header("{'descr': '<U1', 'fortran_order': False, 'shape': (10,), }", labels.tobytes())
    path = zipped(tmp_path / "x.npz", {"x.npy": npy(np.zeros((10, 1, 8, 8))), "y.npy": text})
    assert "a string contains codes beyond Unicode" in failure(path)


def test_arrays_of_one_name_are_an_error(tmp_path: Path) -> None:
    path = zipped(tmp_path / "x.npz", {"x.npy": npy(np.zeros((10, 1, 8, 8))), "x": npy(np.zeros(3)), "y.npy": npy(1)})
    assert "it contains two arrays called x" in failure(path)


def test_an_array_that_nobody_asks_for_is_not_read(tmp_path: Path) -> None:
    """A third array of 1 GiB, and one that is none."""
    x, y = np.zeros((10, 1, 8, 8), np.uint8), np.arange(10) % 2
    text = "{'descr': '|u1', 'fortran_order': False, 'shape': (1073741824,), }"
    path = zipped(tmp_path / "x.npz", {"x.npy": npy(x), "y.npy": npy(y), "z.npy": b"noise"})
    with (
        zipfile.ZipFile(path, "a", zipfile.ZIP_DEFLATED, compresslevel=1) as archive,
        archive.open("big.npy", "w", force_zip64=True) as file,
    ):
        file.write(with_header(text))
        for _ in range(1 << 8):
            file.write(bytes(1 << 22))
    ended = limited("data", f"npz:{path}", "--input", "1x8x8", memory=900 << 20)
    assert ended.code == 0, ended.err


def test_an_array_larger_than_half_of_the_memory_is_an_error_before_it_is_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = zipped(tmp_path / "x.npz", {"x.npy": npy(np.zeros((10, 1, 8, 8))), "y.npy": npy(np.arange(10))})
    monkeypatch.setattr("cnncli.data.memory_limit.machine_bytes", lambda: 20_000)
    assert f"{path}: x, read and split, would need" in failure(path)


@pytest.mark.parametrize("share", [0.0, 0.2, 0.5, 0.9, 0.999])
def test_an_npz_that_is_cut_short_is_an_error(tmp_path: Path, share: float) -> None:
    path = zipped(tmp_path / "x.npz", {"x.npy": npy(np.zeros((10, 1, 8, 8))), "y.npy": npy(np.arange(10))})
    path.write_bytes(path.read_bytes()[: int(share * path.stat().st_size)])
    assert "is not an npz file" in failure(path)


@given(changes=mutations(), stored=st.booleans(), task=st.sampled_from(["auto", "regression", "segmentation"]))
@settings(FAST, max_examples=150)
def test_a_mutated_npz_is_a_dataset_or_an_error_for_the_user(
    tmp_path: Path, changes: list[tuple[float, str, bytes]], stored: bool, task: str
) -> None:
    path = tmp_path / "x.npz"
    zipped(
        path,
        {"x.npy": npy(np.zeros((10, 1, 8, 8), np.uint8)), "y.npy": npy(np.arange(10) % 2)},
        zipfile.ZIP_STORED if stored else zipfile.ZIP_DEFLATED,
    )
    path.write_bytes(mutated(path.read_bytes(), changes))
    try:
        load_dataset(f"npz:{path}", (1, 8, 8), task=task)
    except CnnError as error:
        assert str(path) in str(error)


ODD = (*"{}()[],:'L.-_ 0123456789<>|=biufSUO\t", "\x85", "\xb2", "True", "shape", "#", "\\x41", "1e3", "None")
LIKE_HEADERS = st.text("{}()[],:'descrfortanshapeTrueFls <>|iufUSO0123456789-_L. ", max_size=80)


def by_numpy(header: str) -> tuple[object, ...] | None:
    """What NumPy reads in a header; None where it refuses."""
    data = header.encode("latin-1")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of headers that Python 2 wrote, and of escapes
        try:
            return np.lib.format.read_array_header_1_0(io.BytesIO(len(data).to_bytes(2, "little") + data))
        except Exception:  # it raises almost anything
            return None


@st.composite
def spelled_headers(draw: st.DrawFn) -> str:
    """Headers with the keys in any order, and quotes and spaces of any kind."""
    shape = tuple(draw(st.lists(st.integers(0, 1000), max_size=4)))
    values = {
        "descr": repr(draw(st.sampled_from(KINDS[1:]))),
        "fortran_order": draw(st.sampled_from(("True", "False"))),
    }
    values["shape"] = repr(shape).replace(" ", draw(st.sampled_from(("", " ", "  "))))
    space = draw(st.sampled_from(("", " ", "  ")))
    entries = [f"{name!r}{space}:{space}{value}" for name, value in draw(st.permutations([*values.items()]))]
    text = (
        "{"
        + f",{space}".join(entries)
        + draw(st.sampled_from(("}", ", }", ",}")))
        + draw(st.sampled_from(("", "\n", "  \n")))
    )
    return text.replace("'", draw(st.sampled_from("'\"")))


@given(header=spelled_headers())
@FAST
def test_a_header_is_read_as_numpy_reads_it_however_it_is_spelled(header: str) -> None:
    assert by_numpy(header) == parse_header(header)


@given(
    header=st.binary(max_size=40).map(lambda data: data.decode("latin-1")) | LIKE_HEADERS | spelled_headers(),
    edits=st.lists(st.tuples(st.integers(0, 99), st.integers(0, 2), st.sampled_from(ODD)), max_size=3),
)
@settings(FAST, max_examples=500)
def test_any_header_is_refused_or_read_as_numpy_reads_it(header: str, edits: list[tuple[int, int, str]]) -> None:
    for at, cut, text in edits:
        header = header[:at] + text + header[at + cut :]
    try:
        found = parse_header(header)
    except ValueError:
        return
    assert by_numpy(header) in (found, None)


def small_arrays(axes: int) -> st.SearchStrategy[object]:
    shapes = hnp.array_shapes(min_dims=0, max_dims=axes, min_side=0, max_side=9)
    return hnp.arrays(st.sampled_from(KINDS).map(np.dtype), shapes)


@given(
    x=small_arrays(5),
    y=small_arrays(4),
    more=st.none() | small_arrays(4),
    shape=st.sampled_from([(), (1, 2, 2), (3, 2, 2), (4,), (2, 3)]),
    task=st.sampled_from(["auto", "classification", "regression", "segmentation"]),
)
@settings(FAST, max_examples=200)
def test_any_arrays_are_a_dataset_or_an_error_for_the_user(
    tmp_path: Path, x: object, y: object, more: object, shape: tuple[int, ...], task: str
) -> None:
    path = tmp_path / "x.npz"
    if more is None:
        np.savez(path, x=x, y=y)  # type: ignore[arg-type]
    else:
        np.savez(path, x_train=x, y_train=y, x_test=x, y_test=more)  # type: ignore[arg-type]
    try:
        data = load_dataset(f"npz:{path}", shape, task=task, outputs=2)
    except CnnError as error:
        assert str(path) in str(error)
    else:
        assert len(data.train.images) == len(data.train.labels)  # type: ignore[arg-type]


def test_a_network_is_asked_about_the_array_x_alone(tmp_path: Path) -> None:
    path = zipped(tmp_path / "x.npz", {"x.npy": npy(np.zeros((3, 1, 8, 8))), "other.npy": b"noise"})
    (rows,) = tables.table_batches(path, (1, 8, 8), tables.TrainedOn(1, "classification", ()))
    assert len(rows.names) == 3


HOSTILE = SHARED / "reference" / "hostile"


@pytest.mark.skipif(not HOSTILE.is_dir(), reason="no hostile files beside this checkout")
@pytest.mark.parametrize("name", ["notnpy.npz", "tokennpz.npz"])
def test_the_hostile_files_are_errors_for_the_user(name: str) -> None:
    assert "is not an npz file" in failure(HOSTILE / name)


def test_the_limit_on_headers_is_numpys_own() -> None:
    assert np.lib.format.read_array.__kwdefaults__["max_header_size"] == npz.MAX_HEADER
