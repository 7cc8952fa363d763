"""From class folders to classes and splits: the meaning of each folder, and what is skipped."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from cnncli.data.formats.containers import FileEntry
from cnncli.data.splits import HELD_OUT, TEST_NAMES, TRAIN_NAMES, hold_out_by_rank
from cnncli.errors import CnnError
from cnncli.io.files import IMAGE_FORMATS

IMAGE_FOLDERS = ("images", "image", "imgs", "img", "jpegimages")
MASK_FOLDERS = ("masks", "mask", "labels", "annotations", "segmentationclass")  # these contain a mask for each image
MOST_NAMED = 8  # folders listed in a message
WANTED = "expected one folder of images per class, such as cat/ and dog/, alone or inside train/ and test/"

Located = tuple[tuple[str, ...], FileEntry]  # an entry and its path below the current folder
Classes = dict[str, list[FileEntry]]  # the images of each class, by name, in the order of their paths
Labeled = tuple[tuple[FileEntry, int], ...]  # images, each with the number of its class


@dataclass(frozen=True)
class LabeledSplits:
    """The labeled images of each split."""

    classes: tuple[str, ...]
    train: Labeled
    test: Labeled
    notes: tuple[str, ...]


def split_class_folders(source: Path, entries: Iterable[FileEntry]) -> LabeledSplits:
    """Sort the images among ``entries`` into classes, train and test; the order of the entries does not matter."""
    kept, notes = select(entries)
    if not any(entry.kind == "file" for entry in kept):
        raise CnnError(f"{source}: contains no images", "; ".join((*notes, WANTED)))
    located = _unwrapped([(entry.path, entry) for entry in kept])
    train, test, more_notes = _splits(source, located)
    numbers = {name: number for number, name in enumerate(train)}
    return LabeledSplits(tuple(train), _labeled(train, numbers), _labeled(test, numbers), (*notes, *more_notes))


def select(entries: Iterable[FileEntry]) -> tuple[list[FileEntry], list[str]]:
    """The folders and images to read, and a note that counts everything else."""
    reasons = [(entry, _reason_to_skip(entry)) for entry in entries]
    skipped = Counter(reason for entry, reason in reasons if reason and entry.kind != "folder")
    counts = ", ".join(f"{count:,} {reason}" for reason, count in sorted(skipped.items()))
    return [entry for entry, reason in reasons if not reason], [f"skipped: {counts}"] if counts else []


def _reason_to_skip(entry: FileEntry) -> str:
    if not entry.path:
        return "without a name"
    if any(part.startswith(".") or part == "__MACOSX" for part in entry.path):
        return "hidden"
    if entry.kind == "link":
        return "links"
    if entry.kind == "replaced":
        return "replaced by later files of the same name"
    if entry.kind == "file" and PurePosixPath(entry.path[-1]).suffix.lower() not in IMAGE_FORMATS:
        return "not images"
    return ""


def _unwrapped(located: list[Located]) -> list[Located]:
    """Step into a single folder that contains everything, as in cifar10.tar.gz with cifar10/train/…"""
    folders = _folders(located)
    if len(folders) == 1 and not _loose(located):
        (top,) = folders
        inside = _inside(located, top)
        if top.lower() not in TRAIN_NAMES + TEST_NAMES and _folders(inside):
            return inside
    return located


def _splits(source: Path, located: list[Located]) -> tuple[Classes, Classes, list[str]]:
    """The images to train with and to test with, by class, and notes."""
    spelled = {folder.lower(): folder for folder in _folders(located)}
    train_folder = next((spelled[name] for name in TRAIN_NAMES if name in spelled), None)
    test_folder = next((spelled[name] for name in TEST_NAMES if name in spelled), None)
    if train_folder is None and test_folder is not None:
        raise CnnError(f"{source}: has {test_folder}/ but no train/", WANTED)
    notes = _unread(located, train_folder, test_folder)
    train = _by_class(source, located, train_folder)
    if len(train) < 2:
        found = f"only one class folder, {next(iter(train))}" if train else "no class folders"
        raise CnnError(f"{source}: has {found}; at least two are needed", WANTED)
    if test_folder is None:
        notes.append(f"no test/ folder: one image in {HELD_OUT} of each class is held out as the test split")
        return *_hold_out(source, train), notes
    test = _by_class(source, located, test_folder)
    _check_classes(source, f"{train_folder}/", train, f"{test_folder}/", test)
    if untested := sorted(train.keys() - test.keys()):
        notes.append(f"{test_folder}/ has no images of {', '.join(untested)}")
    return train, test, notes


def _unread(located: list[Located], train: str | None, test: str | None) -> list[str]:
    """Notes on files and folders outside the expected layout."""
    read = {train, test} - {None}
    others = sorted(_folders(located) - read) if read else []
    loose = _loose(located) + sum(_loose(_inside(located, folder)) for folder in read if folder)
    notes = [f"not read: {', '.join(f'{other}/' for other in others)}"] if others else []
    if loose:
        notes.append(f"skipped: {loose:,} outside the class folders")
    return notes


def _by_class(source: Path, located: list[Located], split: str | None) -> Classes:
    """The images of each class folder, in the folder of a split or at the top. Raises CnnError for an empty one."""
    inside = located if split is None else _inside(located, split)
    classes: Classes = {name: [] for name in sorted(_folders(inside))}
    for path, entry in sorted(inside, key=lambda each: each[0]):
        if len(path) > 1 and entry.kind == "file":
            classes[path[0]].append(entry)
    if empty := [name for name, images in classes.items() if not images]:
        folders = ", ".join(f"{split}/{name}/" if split else f"{name}/" for name in empty[:MOST_NAMED])
        folders += ", …" if len(empty) > MOST_NAMED else ""
        raise CnnError(f"{source}: no images in {folders}", "put images there, or remove the folder")
    return classes


def _check_classes(source: Path, train_folder: str, train: Classes, test_folder: str, test: Classes) -> None:
    if not test:
        raise CnnError(f"{source}: no class folders in {test_folder}", WANTED)
    if unknown := sorted(test.keys() - train.keys()):
        message = f"{source}: {test_folder} has classes that {train_folder} does not have: {', '.join(unknown)}"
        raise CnnError(message, "the test classes must be those of training: rename or remove the others")


def _hold_out(source: Path, classes: Classes) -> tuple[Classes, Classes]:
    """Hold out a fifth of each class, ranked by the hashes of class and file name."""
    train: Classes = {}
    test: Classes = {}
    for name, images in classes.items():
        chosen = set(hold_out_by_rank(["/".join(image.path[-2:]) for image in images], at_least=1))
        train[name] = [image for at, image in enumerate(images) if at not in chosen]
        test[name] = [image for at, image in enumerate(images) if at in chosen]
    if not any(test.values()):
        message = f"{source}: every class has a single image, so none can be held out for testing"
        raise CnnError(message, "add images, or a test/ folder beside train/")
    return train, test


def _labeled(classes: Classes, numbers: dict[str, int]) -> Labeled:
    return tuple((entry, numbers[name]) for name, entries in classes.items() for entry in entries)


def _folders(located: list[Located]) -> set[str]:
    return {path[0] for path, entry in located if len(path) > 1 or entry.kind == "folder"}


def _inside(located: list[Located], folder: str) -> list[Located]:
    return [(path[1:], entry) for path, entry in located if len(path) > 1 and path[0] == folder]


def _loose(located: list[Located]) -> int:
    return sum(len(path) == 1 and entry.kind == "file" for path, entry in located)
