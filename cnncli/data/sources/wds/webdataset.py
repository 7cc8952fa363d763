"""``wds:PATH``: WebDataset shards, for data larger than memory (https://github.com/webdataset/webdataset).

The shards are on disk, and their headers contain the offset of each image, so that images can be read in any order, and
a run that is resumed reads the same batches as one that was never stopped.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from cnncli.data.dataset import Dataset, LazyImages, Split
from cnncli.data.formats.decoding import image_shape
from cnncli.data.formats.lazy_images import InTars
from cnncli.data.registry import Request
from cnncli.data.sources.wds.samples import Label, Samples, read_samples
from cnncli.data.sources.wds.shards import FORMS, Located, find_shards
from cnncli.data.splits import HELD_OUT, by_split, choose_splits, hold_out_by_hash
from cnncli.errors import CnnError, counted
from cnncli.io.files import is_file, read_bytes
from cnncli.io.progress import Advance, progress

NAMES = "classes.txt"
MAX_NAMES = 1 << 26  # bytes of the file of class names
CONTENTS = "a sample is an image and a file with its class, e.g. 0001.jpg and 0001.cls"

Mask = NDArray[np.bool_]


def load(request: Request) -> Dataset:
    """A folder of shards, a pattern with braces or a glob: images that stay on disk, read as the shape (C, H, W).

    Raises CnnError.
    """
    if not request.argument:
        raise CnnError("wds: needs a path", FORMS)
    wanted = image_shape(request.shape)
    name = request.spec
    found = find_shards(request.argument)
    shards = by_split(found)
    names = choose_splits(name, shards)
    chosen = [shards[split] for split in (names.train, names.test) if split is not None]
    with progress(f"listing {name}", sum(map(len, chosen)), "shards") as advance:
        listed = [[_listed(path, advance) for path in paths] for paths in chosen]
    skipped = sum((samples.skipped for split in listed for samples in split), Counter[str]())
    notes = [*names.notes, *(f"skipped: {count:,} {what}" for what, count in sorted(skipped.items()))]
    masks = [[np.ones(len(samples.keys), np.bool_) for samples in split] for split in listed]
    if names.test is None:
        held_out = [hold_out_by_hash(samples.keys) for samples in listed[0]]
        listed, masks = [listed[0], listed[0]], [[~mask for mask in held_out], held_out]
    for split, its_masks in zip(("train", "test"), masks, strict=True):
        if not any(mask.any() for mask in its_masks):
            raise CnnError(f"{name}: no samples to {split} with", "; ".join((*notes, CONTENTS)))
    if names.test is None:
        count = sum(int(mask.sum()) for mask in masks[1])
        notes.append(f"no test shards: {count:,} samples, about one in {HELD_OUT}, are held out by their keys")
    classes = _classes(name, found, {label for split in listed for samples in split for label in samples.labels})
    train, test = (_split(split, its_masks, wanted, classes) for split, its_masks in zip(listed, masks, strict=True))
    return Dataset(name, train, test, classes, tuple(notes))


def _listed(path: Path, advance: Advance) -> Samples:
    samples = read_samples(path)
    advance(1)
    return samples


def _split(
    shards: Sequence[Samples], masks: Sequence[Mask], shape: tuple[int, int, int], classes: tuple[str, ...]
) -> Split:
    """The samples of a split that its masks select, shard by shard."""
    counts = [int(mask.sum()) for mask in masks]
    files = InTars(
        np.concatenate([samples.sizes[mask] for samples, mask in zip(shards, masks, strict=True)]),
        tuple(samples.path for samples in shards),
        np.repeat(np.arange(len(shards), dtype=np.int32), counts),
        np.concatenate([samples.offsets[mask] for samples, mask in zip(shards, masks, strict=True)]),
    )
    numbers = {name: number for number, name in enumerate(classes)}
    labels = [
        label if isinstance(label, int) else numbers[label]
        for samples, mask in zip(shards, masks, strict=True)
        for label, chosen in zip(samples.labels, mask.tolist(), strict=True)
        if chosen
    ]
    images = LazyImages((sum(counts), *shape), tuple(filter(None, counts)), files)
    return Split(images, np.array(labels, np.int64))


def _classes(name: str, found: Sequence[Located], labels: set[Label]) -> tuple[str, ...]:
    """The names in classes.txt; else those in the samples, sorted; else the numbers up to the largest."""
    texts = {label for label in labels if isinstance(label, str)}
    numbers = {label for label in labels if isinstance(label, int)}
    given = _given(found)
    if given is not None:
        path, names = given
        unknown = sorted(texts.difference(names)) + [str(number) for number in sorted(numbers) if number >= len(names)]
        if unknown:
            listed = counted(len(names), "class")
            message = f"{path}: lists {listed}, but samples have the class {', '.join(unknown[:5])}"
            raise CnnError(message, "it needs one line per class, in the order 0, 1, 2, …")
        return names
    if texts and numbers:
        each = f"{sorted(texts)[0]!r} and {min(numbers)}"
        raise CnnError(
            f"{name}: some samples name their class, others number it: {each}", "use names or numbers for all"
        )
    return tuple(sorted(texts)) if texts else tuple(map(str, range(max(numbers) + 1)))


def _given(found: Sequence[Located]) -> tuple[Path, tuple[str, ...]] | None:
    """The names in classes.txt in the shards' folder, or in the folder that contains it."""
    folders, shard = found[0]
    path = next((path for folder in shard.parents[: len(folders)] if is_file(path := folder / NAMES)), None)
    if path is None:
        return None
    try:
        lines = read_bytes(path, MAX_NAMES).decode("utf-8-sig").splitlines()
    except (OSError, ValueError) as error:
        raise CnnError(f"{path}: cannot be read: {getattr(error, 'strerror', None) or error}") from None
    names = tuple(line.strip() for line in lines if line.strip())
    if len(set(names)) < len(names):
        raise CnnError(f"{path}: lists a class twice: {Counter(names).most_common(1)[0][0]}")
    return path, names
