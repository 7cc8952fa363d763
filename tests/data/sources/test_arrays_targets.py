"""Which task several targets are for, where nobody says it: by names of columns, the network's sizes, their values."""

from __future__ import annotations

from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cnncli.data import load_dataset
from cnncli.data.sources.targets import shaped
from cnncli.errors import CnnError

DRAWS = np.random.default_rng(0)
X = DRAWS.normal(size=(60, 3))
Y = DRAWS.normal(size=(60, 2))


def table(path: Path, heads: str, columns: np.ndarray) -> str:
    lines = [heads] * bool(heads) + [",".join(f"{value:g}" for value in row) for row in columns]
    path.write_text("\n".join(lines) + "\n")
    return f"csv:{path}"


@pytest.mark.parametrize("y", [Y, np.rint(5 * Y)], ids=["fractions", "whole"])
@pytest.mark.parametrize("heads", ["a,b,c,target_u,target_v", "a,b,c,y1,y_2", "target_u,a,b,c,target_v", ""])
def test_several_columns_of_targets_are_a_regression(tmp_path: Path, heads: str, y: np.ndarray) -> None:
    columns = np.column_stack([y[:, 0], X, y[:, 1]] if heads.startswith("target") else [X, y])
    found = load_dataset(table(tmp_path / "data.csv", heads, columns), (3,), task="auto", outputs=2)
    assert found.task == "regression" and found.train.labels.shape == (48, 2)
    assert np.allclose(np.sort(np.concatenate([found.train.labels, found.test.labels]), 0), np.sort(y, 0), atol=1e-4)
    assert found.classes == (tuple(h for h in heads.split(",") if h not in "abc") if heads else ("y0", "y1"))


@pytest.mark.parametrize("heads", ["a,b,c,d,label", "label,a,b,c,d", "", "a,b,c,d,e"])
def test_one_column_stays_the_class(tmp_path: Path, heads: str) -> None:
    classes = np.arange(60) % 3
    order = [classes, X, X[:, 0]] if heads.startswith("label") else [X, X[:, 0], classes]
    found = load_dataset(table(tmp_path / "data.csv", heads, np.column_stack(order)), (4,), task="auto", outputs=3)
    assert found.task == "classification" and found.classes == ("0", "1", "2")


@pytest.mark.parametrize("y", [Y, np.rint(5 * Y), np.rint(5 * Y).astype(int)], ids=["fractions", "whole", "int"])
def test_an_array_of_several_numbers_each_is_a_regression(tmp_path: Path, y: np.ndarray) -> None:
    np.savez(tmp_path / "data.npz", x=X, y=y)
    found = load_dataset(f"npz:{tmp_path / 'data.npz'}", (3,), task="auto", outputs=2)
    assert found.task == "regression" and found.train.labels.shape == (48, 2)


@pytest.mark.parametrize(
    ("y", "advice"),
    [(np.eye(3)[np.arange(60) % 3], "np.argmax(y, 1)"), ((np.arange(60) % 3)[:, None], "np.ravel(y)")],
    ids=["one-hot", "a column"],
)
def test_classes_in_another_form_are_refused_with_what_to_do(tmp_path: Path, y: np.ndarray, advice: str) -> None:
    for values in (y, y.astype(int)):
        np.savez(tmp_path / "data.npz", x=X, y=values)
        with pytest.raises(CnnError) as refusal:
            load_dataset(f"npz:{tmp_path / 'data.npz'}", (3,), task="auto", outputs=3)
        assert advice in str(refusal.value)


@given(st.integers(2**53, 10**30), st.integers(1, 3))
@settings(max_examples=30, deadline=None)
def test_labels_that_float64_would_merge_stay_apart(first: int, apart: int) -> None:
    labels = [str(first), str(first + apart)] * 20
    with TemporaryDirectory() as folder:
        path = Path(folder, "ids.csv")
        path.write_text("a,label\n" + "".join(f"{at},{label}\n" for at, label in enumerate(labels)))
        data = load_dataset(f"csv:{path}", (1,))
    assert sorted(data.classes) == sorted({*labels})
    held_out = np.asarray(data.test.images)[:, 0].astype(int)
    assert [data.classes[number] for number in data.test.labels] == [labels[at] for at in held_out]


def test_many_classes_are_refused_without_comparing_each_with_each(tmp_path: Path) -> None:
    path = tmp_path / "many.csv"
    path.write_text("a,label\n" + "".join(f"{at},c{at}\n" for at in range(40_000)))
    with pytest.raises(CnnError, match="40,000 classes for 32,000 examples"):
        load_dataset(f"csv:{path}", (1,))


@pytest.mark.parametrize(("train", "test"), [(2, 3), (3, 1), (1, 2), (2, 2)])
def test_both_splits_have_as_many_targets(tmp_path: Path, train: int, test: int) -> None:
    path = tmp_path / "data.npz"
    np.savez(path, x_train=X, y_train=DRAWS.normal(size=(60, train)), x_test=X, y_test=DRAWS.normal(size=(60, test)))
    if train == test:
        found = load_dataset(f"npz:{path}", (3,), task="regression", outputs=2)
        assert found.train.labels.shape == found.test.labels.shape == (60, train)
        return
    with pytest.raises(CnnError, match=f"the training split has {train} targets, the test split {test}"):
        load_dataset(f"npz:{path}", (3,), task="regression", outputs=2)


@settings(max_examples=30, deadline=None, derandomize=True)
@given(
    shape=st.lists(st.integers(1, 3), min_size=1, max_size=3).map(tuple),
    layout=st.sampled_from(["itself", "without the channel", "channels last", "a row", "as a vector"]),
    dtype=st.sampled_from([np.uint8, np.int16, np.float64, np.bool_]),
)
def test_each_layout_of_examples_is_read_as_the_same_input(
    shape: tuple[int, ...], layout: str, dtype: type[np.generic]
) -> None:
    wanted = np.random.default_rng(1).integers(0, 200, (4, *shape)).astype(dtype)
    given_, into = wanted, shape
    if layout == "without the channel" and shape[0] == 1 and len(shape) > 1:
        given_ = wanted[:, 0]
    elif layout == "channels last" and len(shape) > 1:
        given_ = np.moveaxis(wanted, 1, -1)
    elif layout == "a row":
        given_ = wanted.reshape(4, -1)
    elif layout == "as a vector":
        into, wanted = (int(np.prod(shape)),), wanted.reshape(4, -1)
    found = shaped(Path("x.npz"), given_, into)
    assert found.dtype == (np.uint8 if dtype is np.uint8 else np.float32)
    ambiguous = given_.shape[1:] == into  # nothing tells that channels are last
    assert np.array_equal(found, (given_ if ambiguous else wanted).astype(found.dtype))
