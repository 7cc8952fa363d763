"""The examples that a run predicts: images, folders of them, and tables, batch by batch."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import groupby
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from cnncli.arithmetic.shape import Shape
from cnncli.errors import CnnError
from cnncli.runs.record import RunRecord

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Examples = NDArray[Any]


class InputBatch(NamedTuple):
    """Some examples with their names and the stems of the file names of their masks; and what could not be read."""

    names: list[str]
    stems: list[str]
    examples: Examples
    problems: list[str]


def batches(
    files: tuple[Path, ...], shape: Shape, pixels: tuple[int, int, int] | None, record: RunRecord
) -> Iterator[InputBatch]:
    """The examples in all files, in their order."""
    import numpy as np

    from cnncli.data.unlabeled import tables
    from cnncli.data.unlabeled.image_files import image_batches

    learnt = tables.TrainedOn(len(record.normalisation.mean), record.task, record.classes, record.columns)
    for rows, group in groupby(files, tables.is_table):
        if rows:
            for path in group:
                try:
                    for names, stems, examples in tables.table_batches(path, shape, learnt):
                        yield InputBatch([*map(_displayable, names)], stems, examples, [])
                except CnnError as error:
                    yield InputBatch([], [], np.empty(0), [str(error)])
        else:
            assert pixels is not None
            for batch in image_batches(group, pixels):
                found = [(image.path, image.pixels) for image in batch if image.pixels is not None]
                problems = [f"{_displayable(p.path)}: {p.problem}" for p in batch if p.pixels is None]
                names, stems = [_displayable(path) for path, _ in found], [path.stem for path, _ in found]
                examples = np.stack([values for _, values in found]) if found else np.empty(0)
                yield InputBatch(names, stems, examples, problems)


def _displayable(name: Path | str) -> str:
    """A file name as text, with � for bytes that are not UTF-8."""
    return str(name).encode("utf-8", "surrogateescape").decode("utf-8", "replace")
