"""Examples without targets: from a table's columns, whatever else is there, and from arrays, in named batches."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cnncli.data.unlabeled.image_files import BATCH, image_input_shape
from cnncli.data.unlabeled.tables import TrainedOn, is_table, table_batches
from cnncli.errors import CnnError


@settings(max_examples=25, deadline=None, derandomize=True)
@given(
    count=st.integers(1, 4),
    targets=st.integers(0, 2),
    regression=st.booleans(),
    named=st.booleans(),
    rows=st.sampled_from([1, 2, BATCH, BATCH + 1, 2 * BATCH]),
)
def test_rows_are_read_with_their_targets_or_without(
    tmp_path_factory: pytest.TempPathFactory, count: int, targets: int, regression: bool, named: bool, rows: int
) -> None:
    targets = targets if regression else min(1, targets)
    names = tuple(f"y{at}" for at in range(2)) if regression else ("cat", "dog")
    trained_on = TrainedOn(count, "regression" if regression else "classification", names)
    table = np.random.default_rng(rows).normal(size=(rows, count + targets))
    heads = [f"in{at}" for at in range(count)] + (list(names[:targets]) if regression else ["label"][:targets])
    path = tmp_path_factory.getbasetemp() / "rows.csv"
    lines = [",".join(heads)] * named + [",".join(map(repr, row)) for row in table.tolist()]
    path.write_text("\n".join(lines))
    if regression and targets == 1 and not named:  # the last two columns would be the targets
        with pytest.raises(CnnError, match="with or without their targets"):
            [*table_batches(path, (count,), trained_on)]
        return
    found = [*table_batches(path, (count,), trained_on)]
    assert [len(batch.names) for batch in found] == [BATCH] * (rows // BATCH) + [rows % BATCH] * bool(rows % BATCH)
    assert np.array_equal(np.concatenate([batch.examples for batch in found]), table[:, :count].astype(np.float32))
    wanted = range(1 + named, rows + 1 + named)
    assert [name for batch in found for name in batch.names] == [f"{path}:{line}" for line in wanted]
    assert [stem for batch in found for stem in batch.stems] == [f"rows-{line}" for line in wanted]


@pytest.mark.parametrize("name", ["x", "images", "x_test", "test_x", "alone"])
def test_arrays_are_found_by_name_or_alone(tmp_path: Path, name: str) -> None:
    values = np.random.default_rng(0).normal(size=(BATCH + 3, 2, 5))
    others = {} if name == "alone" else {"y": np.zeros(BATCH + 3), "zz": np.zeros(3)}
    np.savez(tmp_path / "a.npz", **{name: values}, **others)
    found = [*table_batches(tmp_path / "a.npz", (2, 5), TrainedOn(2, "classification", ()))]
    assert np.array_equal(np.concatenate([batch.examples for batch in found]), values.astype(np.float32))
    assert found[1].names == [f"{tmp_path / 'a.npz'}[{number}]" for number in range(BATCH, BATCH + 3)]
    assert found[1].stems == [f"a-{number}" for number in range(BATCH, BATCH + 3)]


def test_an_array_that_no_name_tells_is_refused(tmp_path: Path) -> None:
    np.savez(tmp_path / "a.npz", u=np.zeros(3), v=np.zeros(3))
    with pytest.raises(CnnError, match="contains u, v"):
        [*table_batches(tmp_path / "a.npz", (1,), TrainedOn(1, "classification", ()))]


@pytest.mark.parametrize("name", ["t.csv", "t.TSV", "t.npz", "csv:t.txt", "npz:t"])
def test_tables_are_known_by_extension_or_prefix(name: str) -> None:
    assert is_table(Path(name)) and not is_table(
        Path(name.replace("csv", "png").replace("npz", "x").replace("TSV", ""))
    )


@given(channels=st.sampled_from([1, 3]), side=st.integers(1, 60), more=st.integers(0, 3))
def test_a_vector_is_a_square_image_where_it_can_be(channels: int, side: int, more: int) -> None:
    size = channels * side * side + more
    sides = [n for n in range(1, 70) if channels * n * n == size]
    if sides:
        assert image_input_shape((size,), channels) == (channels, sides[0], sides[0])
        return
    with pytest.raises(CnnError, match="not a square image"):
        image_input_shape((size,), channels)
