"""``images:PATH`` for segmentation: images, each with a mask of the class of every pixel.

A mask is found by its name: in a folder ``masks/`` beside ``images/``, or as ``NAME_mask.png`` beside ``NAME.jpg``.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import PurePosixPath

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from cnncli.data.dataset import VOID, Dataset, Split, mask_classes
from cnncli.data.formats.containers import Container, FileEntry, open_source
from cnncli.data.formats.decoding import decode_all, image_shape
from cnncli.data.formats.pixels import NotDecoded, opened, strict
from cnncli.data.memory_limit import check_fits
from cnncli.data.registry import Request
from cnncli.data.sources.class_folders import IMAGE_FOLDERS, MASK_FOLDERS, select
from cnncli.data.splits import HELD_OUT, TEST_NAMES, TRAIN_NAMES, hold_out_by_rank
from cnncli.errors import CnnError, counted
from cnncli.io.files import given_path
from cnncli.io.progress import progress

MASK_BYTES = 13  # memory per pixel of a mask while colors are numbered: uint32, int64, and finally uint8
MAX_NAMES = 1 << 20  # bytes of the file of class names
SUFFIXES = ("_mask", "-mask", "_label", "_seg")
NAMES = "classes.txt"
WANTED = "expected images/ and masks/ with files of the same names, or NAME_mask.png beside NAME.jpg"
Key = tuple[str, ...]


@dataclass(frozen=True)
class Pairs:
    """The images of a split, and their masks."""

    images: tuple[FileEntry, ...]
    masks: tuple[FileEntry, ...]


def load(request: Request) -> Dataset:
    """Load a folder or archive as images of the network's input shape, (C, H, W), and masks uint8 (H, W).

    A mask's gray value or palette index is the class, 255 is none; masks of only 0 and 255 have two classes; the
    colors of others are numbered in ascending order, black first. ``classes.txt`` may name the classes, line by line.
    Raises CnnError.
    """
    if request.stream:
        raise CnnError(f"{request.spec}: images with masks are always read into memory", "omit stream")
    channels, height, width = image_shape(request.shape)
    if not request.argument:
        raise CnnError("images: needs a path", f"use images:PATH; {WANTED}")
    source = open_source(given_path(request.argument))
    splits, notes = paired(source)
    files = [entry for split in splits for entry in split.images]
    check_fits(
        len(files) * (channels + MASK_BYTES) * height * width,
        f"{source.path}: {len(files):,} images and masks of {height}x{width}",
        "give the network a smaller input, or use fewer images",
    )
    pixels, more_notes = decode_all(source, files, (channels, height, width))
    masks = _masks(source, [entry for split in splits for entry in split.masks], (height, width))
    classes = _names(source) or mask_classes([masks], request.outputs)
    if int(masks[masks != VOID].max(initial=0)) >= len(classes):
        raise CnnError(f"{source.path}: masks contain more classes than the {len(classes)} in {NAMES}")
    cut = len(splits[0].images)
    train, test = Split(pixels[:cut], masks[:cut]), Split(pixels[cut:], masks[cut:])
    return Dataset(request.spec, train, test, classes, (*notes, *more_notes))


def paired(source: Container) -> tuple[tuple[Pairs, Pairs], list[str]]:
    """The training and the test images, each with its mask, and notes on what is skipped."""
    kept, notes = select(source.entries)
    images: dict[Key, FileEntry] = {}
    masks: dict[Key, FileEntry] = {}
    doubled = 0
    for entry in kept:
        if entry.kind == "file":
            is_mask, key = _key(entry)
            group = masks if is_mask else images
            doubled += key in group
            group[key] = entry
    if doubled:
        notes.append(f"skipped: {doubled:,} that differ from another file only in their extension")
    both = sorted(images.keys() & masks.keys())
    if not both:
        raise CnnError(f"{source.path}: contains no images with masks", WANTED)
    left_out = (
        (images.keys() - masks, "image", "without a mask"),
        (masks.keys() - images, "mask", "without an image"),
    )
    notes += [f"skipped: {counted(len(alone), noun)} {why}" for alone, noun, why in left_out if alone]
    keys = [(_split_of(key), key) for key in both]
    train = [key for split, key in keys if split != "test"]
    test = [key for split, key in keys if split == "test"]
    if not test:
        test = [train[at] for at in hold_out_by_rank([key[-1] for key in train])]
        notes.append(f"no test/ folder: one image in {HELD_OUT} is held out as the test split")
        train = [key for key in train if key not in set(test)]
    if not train or not test:
        raise CnnError(f"{source.path}: has {len(train)} training and {len(test)} test images", WANTED)
    first, second = (Pairs(tuple(images[k] for k in keys), tuple(masks[k] for k in keys)) for keys in (train, test))
    return (first, second), notes


def _key(entry: FileEntry) -> tuple[bool, Key]:
    """Whether it is a mask, and the key that it has in common with the other file of its pair."""
    *folders, name = entry.path
    stem = PurePosixPath(name).stem
    suffix = next((suffix for suffix in SUFFIXES if stem.lower().endswith(suffix)), "")
    is_mask = bool(suffix) or any(folder.lower() in MASK_FOLDERS for folder in folders)
    subfolders = [folder for folder in folders if folder.lower() not in IMAGE_FOLDERS + MASK_FOLDERS]
    return is_mask, (*subfolders, stem.removesuffix(stem[len(stem) - len(suffix) :]) if suffix else stem)


def _split_of(key: Key) -> str:
    folders = {folder.lower() for folder in key[:-1]}
    return "test" if folders & set(TEST_NAMES) and not folders & set(TRAIN_NAMES) else "train"


def _names(source: Container) -> tuple[str, ...]:
    """The class names in ``classes.txt``, if there is one."""
    found = [entry for entry in source.entries if entry.kind == "file" and entry.path[-1:] == (NAMES,)]
    if not found:
        return ()
    if found[0].size > MAX_NAMES:
        raise CnnError(
            f"{source.path}: {found[0].name} is larger than {MAX_NAMES >> 20} MiB", "it lists one class name per line"
        )
    text = next(iter(source.contents(found[:1]))).decode("utf-8", "replace")
    return tuple(line.strip() for line in text.splitlines() if line.strip())


def _masks(source: Container, files: list[FileEntry], size: tuple[int, int]) -> NDArray[np.uint8]:
    """The masks as classes, uint8 (N, H, W), in the order of the files."""
    values = np.empty((len(files), *size), np.uint32)
    rows = sorted(range(len(files)), key=lambda row: files[row].offset)
    colored = 0
    with strict(), progress(f"reading masks of {source.path.name}", len(files), "masks") as advance:
        for row, content in zip(rows, source.contents([files[row] for row in rows]), strict=True):
            values[row], has_colors = _mask(source, files[row], content, size)
            colored += has_colors
            advance(1)
    if 0 < colored < len(files):
        message = f"{source.path}: {colored:,} of {len(files):,} masks are in color, the others are not"
        raise CnnError(message, "save all masks in the same format")
    if colored:
        values = _numbered(source, values)
    elif set(np.unique(values).tolist()) <= {0, VOID}:
        values = values // VOID
    return values.astype(np.uint8)


def _mask(source: Container, file: FileEntry, content: bytes, size: tuple[int, int]) -> tuple[NDArray[np.uint32], bool]:
    """A mask's values (H, W), and whether they are colors."""
    try:
        with opened(content) as image:
            colored = image.mode in ("RGB", "RGBA")
            mode = "RGB" if colored else image.mode if image.mode in ("P", "L") else "L"
            if image.mode.startswith("I"):  # 16 bits: Pillow would clip values above 255
                found = np.asarray(image.resize((size[1], size[0]), Image.Resampling.NEAREST))
                if found.max(initial=0) > VOID:
                    raise CnnError(
                        f"{source.path}: {file.name} contains classes above 254", "255 marks pixels without a class"
                    )
                return found.astype(np.uint32), False
            resized = image.convert(mode).resize((size[1], size[0]), Image.Resampling.NEAREST)
    except NotDecoded as error:
        raise CnnError(
            f"{source.path}: {file.name} cannot be read as a mask: {error}", "replace or remove it"
        ) from None
    pixels = np.asarray(resized).astype(np.uint32)
    return (pixels @ np.array([1 << 16, 1 << 8, 1], np.uint32) if colored else pixels), colored


def _numbered(source: Container, colors: NDArray[np.uint32]) -> NDArray[np.uint32]:
    """The colors as class numbers, in ascending order."""
    known = np.unique(colors)
    if len(known) > VOID:
        raise CnnError(
            f"{source.path}: the masks have {len(known):,} colors, too many to be classes",
            "save masks as PNG: JPEG changes their colors",
        )
    return np.searchsorted(known, colors).astype(np.uint32)
