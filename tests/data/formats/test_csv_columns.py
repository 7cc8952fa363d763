"""Columns of tables: found by the names that a network was trained on, in any order; refused where they differ."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cnncli.data import ColumnNames, load_dataset
from cnncli.data.dataset import MAX_CLASS_NAME
from cnncli.data.formats.csv_columns import places_of, target_columns, trained_places
from cnncli.data.unlabeled.tables import TrainedOn, table_batches
from cnncli.errors import CnnError

few = settings(max_examples=50, deadline=None)
NAMES = st.lists(st.text("abcAB", min_size=1, max_size=3), min_size=1, max_size=8)
DRAWS = np.random.default_rng(0)
X, Y = DRAWS.normal(size=(20, 3)), DRAWS.normal(size=(20, 2))
TRAINED = ColumnNames(("a", "b", "c"), ("target_u", "target_v"))


def written(path: Path, heads: list[str], columns: np.ndarray) -> Path:
    lines = [",".join(heads)] * bool(heads) + [",".join(map(repr, row)) for row in columns.tolist()]
    path.write_text("\n".join(lines) + "\n")
    return path


@few
@given(names=NAMES, order=st.randoms(use_true_random=False))
def test_names_that_differ_are_found_in_any_order(names: list[str], order: object) -> None:
    wanted = list(dict.fromkeys(names))
    heads = order.sample(wanted, len(wanted))  # type: ignore[attr-defined]
    found = places_of(wanted, heads)
    assert found is not None and [heads[place] for place in found] == wanted


@few
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


def is_target(name: str) -> bool:
    """target, target_price, y, y1 and y_price, but not year."""
    return name.startswith("target") or name == "y" or (name[:1] == "y" and not name[1].isalpha())


@given(
    heads=st.lists(st.sampled_from(["label", "Class", "target", "target_u", "y", "Y1", "year", "a", ""]), min_size=1),
    task=st.sampled_from(["auto", "classification", "regression"]),
    outputs=st.integers(1, 3),
    inputs=st.integers(0, 4),
)
def test_targets_are_the_columns_called_so_else_the_last(
    heads: list[str], task: str, outputs: int, inputs: int
) -> None:
    found = target_columns(heads, task, outputs, inputs)
    lower = [head.lower() for head in heads]
    called = [place for place, head in enumerate(lower) if is_target(head)]
    fits = len(heads) == inputs + outputs and outputs > 1
    several = len(called) > 1 or (not called and fits)
    if task == "regression" or (task == "auto" and several and "label" not in lower and "class" not in lower):
        assert found == (called or [*range(len(heads))][-outputs:])
        return
    (place,) = found
    names = [name for name in ("label", "class", "target", "y") if name in lower]
    assert place == (lower.index(names[0]) if names else len(heads) - 1)


@pytest.mark.parametrize(
    ("heads", "shape", "clear"),
    [
        ("a,b,c,target_u,target_v", (3,), False),
        ("a,b,c,target_u,target_v", (), False),
        ("a,b,c,target,target_v", (4,), True),  # target is the class, target_v the fourth input
        ("a,b,c,target,target_v", (3,), False),
        ("a,b,c,y,target_v", (4,), True),
        ("a,b,c,target_u,label", (4,), True),
        ("a,b,c,target_u,label", (3,), True),  # the error is that of the columns' number
        ("a,b,c,target_u,target_v", (4,), False),
    ],
)
def test_a_class_among_several_targets_must_be_clear(
    tmp_path: Path, heads: str, shape: tuple[int, ...], clear: bool
) -> None:
    classes = np.arange(20) % 2
    path = written(tmp_path / "data.csv", heads.split(","), np.column_stack([X, classes, classes]))
    if clear and shape == (4,):
        assert load_dataset(f"csv:{path}", shape, task="classification", outputs=2).classes in (
            ("0", "1"),
            ("0.0", "1.0"),
        )
        return
    with pytest.raises(CnnError) as refusal:
        load_dataset(f"csv:{path}", shape, task="classification", outputs=2)
    assert ("a classification takes one column" in str(refusal.value)) == (not clear)


@pytest.mark.parametrize(("length", "accepted"), [(1, True), (MAX_CLASS_NAME, True), (MAX_CLASS_NAME + 1, False)])
def test_a_class_has_at_most_so_many_characters(tmp_path: Path, length: int, accepted: bool) -> None:
    path = tmp_path / "data.csv"
    path.write_text("a,label\n" + f"1,{'x' * length}\n2,y\n" * 10)
    if accepted:
        assert {*load_dataset(f"csv:{path}", (1,)).classes} == {"x" * length, "y"}
        return
    with pytest.raises(CnnError, match=rf"data\.csv:2: a target has more than {MAX_CLASS_NAME} characters"):
        load_dataset(f"csv:{path}", (1,))


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
