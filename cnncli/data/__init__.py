"""Data sets as arrays. Importing this loads neither numpy nor Pillow: the module of a data set does, when it is used.

``mnist``, ``fashion_mnist``, ``cifar10``, ``cifar100`` and ``svhn`` are looked for on disk and downloaded if need be,
``digits`` comes with the program, ``images:PATH`` is any folder or archive with one folder of images per class, and
``npz:FILE`` and ``csv:FILE`` are arrays and tables. ``hf:NAME`` is a data set of Hugging Face's hub,
and ``wds:PATH`` WebDataset shards, whose images stay on disk.
"""

from __future__ import annotations

from pathlib import Path

from cnncli.data.dataset import ColumnNames, Dataset, LazyImages, Split
from cnncli.errors import CnnError, closest

__all__ = ["NAMES", "ColumnNames", "Dataset", "LazyImages", "Split", "absolute_spec", "load_dataset"]

IMAGES = "images:"
HUB = "hf:"
FILES = (IMAGES, "npz:", "csv:", HUB, "wds:")  # followed by a path; on the hub, by a name or a path
NAMES = (
    "mnist",
    "fashion_mnist",
    "cifar10",
    "cifar100",
    "svhn",
    "digits",
    "images:PATH",
    "npz:FILE",
    "csv:FILE",
    "hf:NAME",
    "wds:PATH",
)


def absolute_spec(spec: str) -> str:
    """The same data set by a name that holds in every folder: a run is evaluated from elsewhere, too."""
    kind = next((kind for kind in FILES if spec.startswith(kind)), None)
    if kind is None or (kind == HUB and not _exists(spec.removeprefix(HUB))):
        return spec
    try:
        return kind + str(Path(spec.removeprefix(kind)).expanduser().resolve())
    except (OSError, RuntimeError, ValueError):  # no such path: the loading says so
        return spec


def load_dataset(
    spec: str,
    shape: tuple[int, ...],
    data_dir: Path | None = None,
    stream: bool = False,
    *,
    task: str = "auto",
    outputs: int = 1,
    trained: ColumnNames | None = None,
) -> Dataset:
    """Load the data set ``spec``, one of NAMES, for a network whose input is ``shape``, (C, H, W).

    Images in files are decoded to that shape, and arrays are read as it; those with a name of their own keep their own
    shape, as (1, 28, 28).
    ``data_dir`` is searched first for what is downloaded, and is where it is downloaded to.
    With ``stream`` the images of images:PATH stay on disk, as they do where they do not fit in memory.
    Those with a name have classes; arrays, tables and images can have other targets, for the ``task`` of a network of
    so many ``outputs``, classes or numbers. The columns of a table are those that a network was ``trained`` on, if any.
    Raises CnnError.
    """
    _refuse_idle(spec, data_dir)
    if spec.startswith(IMAGES):
        from cnncli.data.sources import images, masks

        if task == "segmentation":
            if stream:
                raise CnnError(f"{spec}: images with masks are read into memory whole", "leave stream out")
            return masks.load(spec.removeprefix(IMAGES), shape, outputs)
        return images.load(spec.removeprefix(IMAGES), shape, stream)
    if stream and not spec.startswith("wds:") and spec.partition(":")[0] in (name.partition(":")[0] for name in NAMES):
        raise CnnError(f"{spec} is read into memory whole", "images:PATH and wds:PATH can stay on disk")
    if spec in ("mnist", "fashion_mnist"):
        from cnncli.data.sources import mnist

        return mnist.load(spec, data_dir)
    if spec in ("cifar10", "cifar100"):
        from cnncli.data.sources import cifar

        return cifar.load(spec, data_dir)
    if spec == "svhn":
        from cnncli.data.sources import svhn

        return svhn.load(data_dir)
    if spec.startswith(("npz:", "csv:")):
        from cnncli.data.sources import arrays

        return arrays.load(spec, shape, task, outputs, trained)
    if spec.startswith(HUB):
        from cnncli.data.sources.hf import hub

        return hub.load(spec.removeprefix(HUB), shape, data_dir)
    if spec.startswith("wds:"):
        from cnncli.data.sources.wds import webdataset

        return webdataset.load(spec.removeprefix("wds:"), shape)
    if spec == "digits":
        from cnncli.data.sources import digits

        return digits.load()
    raise _unknown(spec)


def _refuse_idle(spec: str, data_dir: Path | None) -> None:
    """Raises CnnError for a folder of downloads beside data that are not downloaded."""
    if data_dir is not None and (spec == "digits" or spec.startswith((IMAGES, "npz:", "csv:", "wds:"))):
        hint = "it is where data sets are looked for first, and downloaded to; leave it out"
        raise CnnError(f"--data-dir has no effect with {spec}", hint)


def _unknown(spec: str) -> CnnError:
    known = f"the data sets are {', '.join(NAMES)}"
    if _exists(spec):
        return CnnError(f"unknown data set {spec!r}", f"write images:{spec} for the images in it; {known}")
    near = closest(spec.partition(":")[0].replace("-", "_"), [name.partition(":")[0] for name in NAMES])
    meant = {name.partition(":")[0]: name for name in NAMES}
    suggestion = f"did you mean {meant[near]}? " if near else ""
    return CnnError(f"unknown data set {spec!r}", suggestion + known)


def _exists(path: str) -> bool:
    try:
        return bool(path) and Path(path).expanduser().exists()
    except (OSError, RuntimeError, ValueError):  # too long, no such user, or with a NUL: no path at all
        return False
