"""Arrays and tables as datasets: read as the network's input, split once for all, never unpickled."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from program import Run

from cnncli.data import load_dataset
from cnncli.errors import CnnError

X = np.arange(40 * 12, dtype=np.uint8).reshape(40, 3, 4)
Y = np.arange(40) % 4


def saved(tmp_path: Path, **arrays: object) -> str:
    path = tmp_path / "data.npz"
    np.savez(path, **arrays)  # type: ignore[arg-type]
    return f"npz:{path}"


@pytest.mark.parametrize(
    ("x", "shape"),
    [(X[:, None], (1, 3, 4)), (X, (1, 3, 4)), (X[..., None], (1, 3, 4)), (X, (12,)), (X.reshape(40, 12), (1, 3, 4)),
     (X.astype(float), (3, 4))],
)  # fmt: skip
def test_arrays_are_read_as_the_input_of_the_network(tmp_path: Path, x: object, shape: tuple[int, ...]) -> None:
    dataset = load_dataset(saved(tmp_path, x=x, y=Y), shape)
    assert dataset.train.images.shape == (32, *shape) and dataset.test.images.shape == (8, *shape)
    assert dataset.classes == ("0", "1", "2", "3") and "8 of 40 examples are held out" in dataset.notes[0]
    seen = np.concatenate((dataset.train.images.reshape(32, -1), dataset.test.images.reshape(8, -1)))
    assert sorted(map(tuple, seen.tolist())) == sorted(map(tuple, X.reshape(40, -1).tolist()))


def test_parts_that_are_there_are_taken(tmp_path: Path) -> None:
    spec = saved(tmp_path, x_train=X[:30], y_train=Y[:30], x_test=X[30:], y_test=Y[30:])
    dataset = load_dataset(spec, (1, 3, 4))
    assert (len(dataset.train.labels), len(dataset.test.labels), dataset.notes) == (30, 10, ())


def test_nothing_is_unpickled(tmp_path: Path) -> None:
    class Evil:
        def __reduce__(self) -> tuple[object, ...]:
            return (Path.touch, (tmp_path / "run",))

    with pytest.raises(CnnError, match="is not an npz file"):
        load_dataset(saved(tmp_path, x=np.array([Evil()], dtype=object), y=Y[:1]), (1,))
    assert not (tmp_path / "run").exists()


@pytest.mark.parametrize(
    ("arrays", "said"),
    [
        ({"a": X}, "expected x and y"),
        ({"x": X}, "expected x and y"),
        ({"y": Y}, "expected x and y"),
        ({"x": X, "y": Y[:5]}, "one label per example"),
        ({"x": X.astype(str), "y": Y}, "must be arrays of numbers"),
        ({"x": np.where(X == 3, np.nan, X), "y": Y}, "not finite"),
        ({"x": X * 1e300, "y": Y}, "not finite"),
        ({"x": X, "y": Y * 1e300 + 0.5}, "regression targets must be numbers"),
        ({"x": 5, "y": 3}, "the examples are 1 of int64"),
        ({"x": np.zeros((40, 5, 5)), "y": Y}, "examples of 5x5 cannot become the network's input 1x3x4"),
        ({"x": X, "y": np.arange(40)}, "labels are classes|has the class"),
    ],
)
def test_arrays_that_cannot_be_used_say_why(tmp_path: Path, arrays: dict[str, object], said: str) -> None:
    with pytest.raises(CnnError, match=said):
        load_dataset(saved(tmp_path, **arrays), (1, 3, 4))


def test_a_file_that_is_none_says_so(tmp_path: Path) -> None:
    (tmp_path / "x.npz").write_bytes(b"PK\x03\x04 no")
    np.save(tmp_path / "alone.npy", X)
    np.savez_compressed(tmp_path / "z.npz", x=np.random.default_rng(0).normal(size=(40, 12)), y=Y)
    damaged = bytearray((tmp_path / "z.npz").read_bytes())
    damaged[80:400] = bytes(byte ^ 0x5A for byte in damaged[80:400])
    (tmp_path / "z.npz").write_bytes(damaged)
    for name, said in (
        *((each, "is not an npz file") for each in ("x.npz", "z.npz", "alone.npy")),
        ("y.npz", "no such file"),
    ):
        with pytest.raises(CnnError, match=said):
            load_dataset(f"npz:{tmp_path / name}", (1,))


def table(tmp_path: Path, text: str) -> str:
    (tmp_path / "data.csv").write_text(text)
    return f"csv:{tmp_path / 'data.csv'}"


ROWS = "".join(f"{at / 7},{at * at},{'odd' if at % 2 else 'even'}\n" for at in range(20))


@pytest.mark.parametrize(
    "text", [ROWS, "a,b,label\n" + ROWS, "kind,a,b\n".replace("kind", "class") + "".join(
        f"{row.rpartition(',')[2]},{row.rpartition(',')[0]}\n" for row in ROWS.split())],
)  # fmt: skip
def test_a_table_has_its_classes_in_the_named_or_the_last_column(tmp_path: Path, text: str) -> None:
    dataset = load_dataset(table(tmp_path, text), (2,))
    assert dataset.classes == ("even", "odd") and dataset.train.images.shape == (16, 2)
    assert dataset.train.images.dtype == np.float32
    parity = np.rint(dataset.train.images[:, 0] * 7).astype(int) % 2
    assert np.array_equal(parity, dataset.train.labels)


@pytest.mark.parametrize(
    ("text", "said"),
    [("", "contains no examples"), ("1,2,a\n1,x,b\n" + ROWS, "data.csv:2: expected 2 numbers and a class"),
     ("1,2,a\n1,b\n" + ROWS, "data.csv:2:")],
)  # fmt: skip
def test_a_table_that_cannot_be_read_says_the_line(tmp_path: Path, text: str, said: str) -> None:
    with pytest.raises(CnnError, match=said):
        load_dataset(table(tmp_path, text), (2,))


def test_signals_and_tables_are_learnt(cnn: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    random = np.random.default_rng(0)
    y = np.arange(300) % 3
    x = np.sin(np.arange(32) * (1 + y[:, None]) / 3) * 50 + 100 + random.normal(0, 3, (300, 32))
    np.savez("waves.npz", x=x, y=y)
    rows = [",".join(f"{value:.3f}" for value in row) + f",c{label}" for row, label in zip(x, y, strict=True)]
    Path("table.csv").write_text("\n".join(rows))
    layers = "[conv: {filters: 8, kernel: 5}, relu, global_avgpool, linear: 3]"
    Path("wave.yaml").write_text(f"input: 1x32\nlayers: {layers}\n")
    Path("mlp.yaml").write_text("input: 32\nlayers: [linear: 16, relu, linear: 3]\n")
    options = ("--epochs", "12", "--lr", "0.02", "--batch-size", "32")
    for net, data in (("wave.yaml", "npz:waves.npz"), ("mlp.yaml", "csv:table.csv"), ("wave.yaml", "csv:table.csv")):
        run = f"{net}{data[:3]}"
        ended = cnn("train", net, "--data", data, *options, "--run-dir", run)
        assert ended.code == 0, ended.err
        accuracy = json.loads(cnn("evaluate", run, "--format", "json").out)["accuracy"]
        assert accuracy > 0.95


# Numbers and masks ------------------------------------------------------------------------------------------------


def test_fractions_and_the_task_say_that_targets_are_numbers(tmp_path: Path) -> None:
    x, y = np.zeros((10, 3), np.float32), np.arange(20).reshape(10, 2) / 4
    for given, task, width in ((y, "auto", 2), (y[:, 1], "auto", 1), (np.arange(10), "regression", 1)):
        dataset = load_dataset(saved(tmp_path, x=x, y=given), (3,), task=task)
        assert dataset.task == "regression" and len(dataset.classes) == width
        assert dataset.train.labels.dtype == np.float64 and dataset.train.labels.shape == (8, width)
    assert load_dataset(saved(tmp_path, x=x, y=np.arange(10.0) % 2), (3,)).task == "classification"


@pytest.mark.parametrize(
    ("head", "outputs", "names"),
    [
        ("a,target_x,b,target_y", 2, ("target_x", "target_y")),
        ("a,y,b,c", 1, ("y",)),
        ("a,b,c,size", 1, ("size",)),
        ("rooms,year,yard,price", 1, ("price",)),
        ("y1,a,y_2,b", 2, ("y1", "y_2")),
        ("a,b,price,size", 2, ("price", "size")),
    ],
)
def test_the_targets_of_a_table_are_found_by_name_else_the_last_columns(
    tmp_path: Path, head: str, outputs: int, names: tuple[str, ...]
) -> None:
    columns = head.split(",")
    rows = [",".join(f"{10 * row + at}.5" for at in range(4)) for row in range(10)]
    spec = table(tmp_path, "\n".join([head, *rows]))
    dataset = load_dataset(spec, (4 - len(names),), task="regression", outputs=outputs)
    assert dataset.classes == names
    last = [columns.index(name) + 0.5 for name in names]
    for split in (dataset.train, dataset.test):
        assert np.array_equal(split.labels % 10, np.tile(last, (len(split.labels), 1)))
        assert np.array_equal(split.labels[:, 0] // 10, split.images[:, 0] // 10)


def test_a_table_of_targets_alone_says_so(tmp_path: Path) -> None:
    with pytest.raises(CnnError, match="has 2 columns, all of them targets"):
        load_dataset(table(tmp_path, "a,b\n" + "1,2\n" * 10), (2,), task="regression", outputs=5)


def test_masks_of_0_and_255_alone_have_two_classes(tmp_path: Path) -> None:
    y = np.tile([0, 255], 80).reshape(10, 4, 4).astype(np.uint8)
    for more, classes in (([], {0, 1}), ([3], {0, 3, 255})):
        y.flat[: 16 * len(more)] = 3
        dataset = load_dataset(saved(tmp_path, x=y[:, None], y=y), (1, 4, 4), task="segmentation", outputs=4)
        assert set(np.unique((*dataset.train.labels, *dataset.test.labels)).tolist()) == classes


@pytest.mark.parametrize("shape", [(1, 4, 5), (2, 7), (1, 3, 4, 5)])
def test_masks_have_the_sizes_of_the_examples(tmp_path: Path, shape: tuple[int, ...]) -> None:
    x, y = np.zeros((10, *shape), np.float32), np.ones((10, *shape[1:]), int)
    dataset = load_dataset(saved(tmp_path, x=x, y=y), shape, task="segmentation", outputs=4)
    assert dataset.task == "segmentation" and dataset.classes == ("0", "1", "2", "3")
    assert dataset.train.labels.dtype == np.uint8 and dataset.train.labels.shape == (8, *shape[1:])
    for wrong, said in ((y[:, :-1], "masks of"), (y * 300, "must be 0 to 254"), (y - 5, "must be 0 to 254")):
        with pytest.raises(CnnError, match=said):
            load_dataset(saved(tmp_path, x=x, y=wrong), shape, task="segmentation", outputs=4)
