"""Columns of tables: found by the names that a network was trained on, in any order; refused where they differ."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cnncli.data import ColumnNames, load_dataset
from cnncli.data.formats.csv_columns import places_of, trained_places
from cnncli.data.unlabeled.tables import TrainedOn, table_batches
from cnncli.errors import CnnError

NAMES = st.lists(st.text("abcAB", min_size=1, max_size=3), min_size=1, max_size=8)
DRAWS = np.random.default_rng(0)
X, Y = DRAWS.normal(size=(20, 3)), DRAWS.normal(size=(20, 2))
TRAINED = ColumnNames(("a", "b", "c"), ("target_u", "target_v"))


def written(path: Path, heads: list[str], columns: np.ndarray) -> Path:
    lines = [",".join(heads)] * bool(heads) + [",".join(map(repr, row)) for row in columns.tolist()]
    path.write_text("\n".join(lines) + "\n")
    return path


@given(names=NAMES, order=st.randoms(use_true_random=False))
def test_names_that_differ_are_found_in_any_order(names: list[str], order: object) -> None:
    wanted = list(dict.fromkeys(names))
    heads = order.sample(wanted, len(wanted))  # type: ignore[attr-defined]
    found = places_of(wanted, heads)
    assert found is not None and [heads[place] for place in found] == wanted


@given(names=NAMES, heads=NAMES)
def test_what_is_found_has_the_wanted_names_in_their_order(names: list[str], heads: list[str]) -> None:
    found = places_of(names, heads)
    if found is None:
        assert names != heads
    else:
        assert [heads[place].lower() for place in found] == [name.lower() for name in names]
        assert len(set(found)) == len(names)


def test_names_that_occur_twice_must_stand_in_their_order() -> None:
    assert places_of(["x", "x", "b"], ["x", "x", "b"]) == [0, 1, 2]
    assert places_of(["x", "x", "b"], ["b", "x", "x"]) is None


@settings(max_examples=25, deadline=None)
@given(order=st.permutations(range(5)), upper=st.booleans())
def test_the_order_of_a_tables_columns_changes_nothing(
    tmp_path_factory: pytest.TempPathFactory, order: list[int], upper: bool
) -> None:
    names, columns = [*TRAINED.inputs, *TRAINED.targets], np.column_stack([X, Y])
    heads = [names[place].upper() if upper else names[place] for place in order]
    path = written(tmp_path_factory.mktemp("order") / "data.csv", heads, columns[:, order])
    found = load_dataset(f"csv:{path}", (3,), task="regression", outputs=2, trained=TRAINED)
    plain = written(path.with_name("plain.csv"), names, columns)
    wanted = load_dataset(f"csv:{plain}", (3,), task="regression", outputs=2)
    assert wanted.columns == TRAINED.inputs and found.classes == wanted.classes == TRAINED.targets
    assert np.array_equal(found.test.images, wanted.test.images)
    assert np.array_equal(found.test.labels, wanted.test.labels)
    (rows,) = table_batches(path, (3,), TrainedOn(3, "regression", TRAINED.targets, TRAINED.inputs))
    assert np.array_equal(rows.examples, X.astype(np.float32))


@pytest.mark.parametrize(
    ("heads", "task", "said"),
    [
        (["a", "b"], "regression", "has no column c"),
        (["a", "b", "d"], "regression", "has no column c"),
        (["a", "b", "c", "id"], "regression", "has the column id, which"),
        (["a", "b", "c", "id", "label"], "classification", "has the column id, which"),
        (["a", "b", "b", "c"], "regression", "duplicate column names"),
        (["a", "b", "c"], "regression", "has no targets"),
        (["a", "b", "c", "target_u"], "regression", "has no targets"),
        (["a", "b", "c"], "classification", "has no column of classes"),
    ],
)
def test_columns_that_are_missing_or_too_many_are_named(heads: list[str], task: str, said: str) -> None:
    with pytest.raises(CnnError, match=said):
        trained_places(Path("data.csv"), heads, TRAINED, task, targets=True)


@pytest.mark.parametrize("place", range(4))
def test_one_column_besides_the_inputs_holds_the_classes(place: int) -> None:
    heads = [*TRAINED.inputs]
    heads.insert(place, "species")
    assert trained_places(Path("data.csv"), heads, TRAINED, "classification", targets=True).targets == [place]


@pytest.mark.parametrize("heads", [["a", "b", "c", "target_no", "target_yes"], ["a", "b", "c", "y1", "y2"], []])
def test_one_hot_classes_in_a_table_are_refused_with_what_to_do(tmp_path: Path, heads: list[str]) -> None:
    path = written(tmp_path / "data.csv", heads, np.column_stack([X, np.eye(2)[np.arange(20) % 2]]))
    with pytest.raises(CnnError, match=r"one-hot encoded classes(.|\n)*label"):
        load_dataset(f"csv:{path}", (3,), outputs=2)
    assert load_dataset(f"csv:{path}", (3,), task="regression", outputs=2).task == "regression"


@pytest.mark.parametrize(("cell", "said"), [("nan", "target_v is nan"), ("", "target_v is empty"), ("x", "is text: x")])
def test_a_target_that_is_no_number_is_named_by_line_and_column(tmp_path: Path, cell: str, said: str) -> None:
    rows = [f"{a},{b},{c},{u},{v}" for (a, b, c), (u, v) in zip(X, Y, strict=True)]
    rows[4] = f"1,2,3,4,{cell}"
    path = tmp_path / "data.csv"
    path.write_text("\n".join(["a,b,c,target_u,target_v", *rows]))
    with pytest.raises(CnnError, match=rf"data\.csv:6: the target in column .*{said}"):
        load_dataset(f"csv:{path}", (3,), outputs=2)


def test_a_classification_of_several_targets_is_told_what_it_takes(tmp_path: Path) -> None:
    path = written(tmp_path / "data.csv", [*TRAINED.inputs, *TRAINED.targets], np.column_stack([X, Y]))
    with pytest.raises(CnnError, match="the columns target_u, target_v are targets"):
        load_dataset(f"csv:{path}", (3,), task="classification", outputs=2)
