"""The table of all datasets, one row each: loading, ``cnn data``, error messages and tests read what they need here.

A dataset in a format that a loader of ``data/sources`` reads is added by its row alone. Importing this is cheap: it
loads neither numpy nor urllib.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

from cnncli.data.dataset import ColumnNames
from cnncli.errors import CnnError, closest


class Remote(NamedTuple):
    """A file to download: its SHA-256, and its size in bytes, which also limits what is read."""

    sha256: str
    size: int


@dataclass(frozen=True)
class Records:
    """The files in an archive of binary records: those of each split, and the one with a class name per line.

    A record is ``label_bytes``, of which the last is the class, and then the pixels.
    """

    train: tuple[str, ...]
    test: tuple[str, ...]
    class_names: str
    label_bytes: int = 1

    @property
    def files(self) -> tuple[str, ...]:
        return (*self.train, *self.test, self.class_names)


@dataclass(frozen=True)
class Published:
    """The files of a dataset: their download addresses, and the folders that may already contain them.

    ``mirrors`` are the addresses of folders with all ``downloads``, which are listed in the order in which the
    loader takes them. ``folders`` are those below a data folder that are searched; ``records`` are the files in the one
    download, where that is an archive.
    """

    mirrors: tuple[str, ...]
    folders: tuple[str, ...]
    downloads: Mapping[str, Remote]
    records: Records | None = None


@dataclass(frozen=True)
class DatasetRow:
    """A dataset, or a kind of source that takes an argument: ``images:PATH``.

    ``loader`` is the module of ``data/sources`` whose ``load`` takes a :class:`Request`. The ``shape`` of an example,
    (C, H, W), the ``classes`` (their number where a file has their names) and the numbers of ``train`` and ``test``
    examples are empty where they depend on the argument.
    """

    name: str
    loader: str
    about: str
    shape: tuple[int, ...] = ()
    classes: tuple[str, ...] | int = 0
    train: int = 0
    test: int = 0
    published: Published | None = None
    on_hub: bool = False  # the argument is a name on Hugging Face's hub, unless it is the path of a file or folder
    needs_shape: bool = False  # images of any size are decoded to the network's input
    streams: bool = False  # the images can stay on disk

    @property
    def key(self) -> str:
        """The part of the name before the argument."""
        return self.name.partition(":")[0]

    @property
    def takes_argument(self) -> bool:
        return ":" in self.name

    @property
    def downloads(self) -> bool:
        """Whether it may have to be downloaded."""
        return self.on_hub or self.published is not None

    @property
    def class_count(self) -> int:
        return self.classes if isinstance(self.classes, int) else len(self.classes)


DIGITS = tuple("0123456789")
CLOTHES = (
    *("T-shirt/top", "Trouser", "Pullover", "Dress", "Coat"),
    *("Sandal", "Shirt", "Sneaker", "Bag", "Ankle boot"),
)


def _idx_files(folders: tuple[str, ...], mirrors: tuple[str, ...], *remotes: Remote) -> Published:
    """The four gzipped files of MNIST, which every dataset in its format has."""
    splits = ("train-images-idx3", "train-labels-idx1", "t10k-images-idx3", "t10k-labels-idx1")
    files = {f"{name}-ubyte.gz": remote for name, remote in zip(splits, remotes, strict=True)}
    return Published(mirrors, folders, files)


DATASETS = (
    DatasetRow(
        "digits", "digits", "handwritten digits (bundled)", shape=(1, 8, 8), classes=DIGITS, train=1437, test=360
    ),
    DatasetRow(
        "mnist",
        "mnist",
        "handwritten digits",
        shape=(1, 28, 28),
        classes=DIGITS,
        train=60_000,
        test=10_000,
        published=_idx_files(
            ("mnist", "MNIST/raw"),
            ("https://ossci-datasets.s3.amazonaws.com/mnist", "https://storage.googleapis.com/cvdf-datasets/mnist"),
            Remote("440fcabf73cc546fa21475e81ea370265605f56be210a4024d2ca8f203523609", 9_912_422),
            Remote("3552534a0a558bbed6aed32b30c495cca23d567ec52cac8be1a0730e8010255c", 28_881),
            Remote("8d422c7b0a1c1c79245a5bcf07fe86e33eeafee792b84584aec276f5a2dbc4e6", 1_648_877),
            Remote("f7ae60f92e00ec6debd23a6088c31dbd2371eca3ffa0defaefb259924204aec6", 4_542),
        ),
    ),
    DatasetRow(
        "fashion_mnist",
        "mnist",
        "clothing",
        shape=(1, 28, 28),
        classes=CLOTHES,
        train=60_000,
        test=10_000,
        published=_idx_files(
            ("fashion_mnist", "FashionMNIST/raw"),
            (
                "https://fashion-mnist.s3.eu-central-1.amazonaws.com",
                "http://fashion-mnist.s3-website.eu-central-1.amazonaws.com",
            ),
            Remote("3aede38d61863908ad78613f6a32ed271626dd12800ba2636569512369268a84", 26_421_880),
            Remote("a04f17134ac03560a47e3764e11b92fc97de4d1bfaf8ba1a3aa29af54cc90845", 29_515),
            Remote("346e55b948d973a97e58d2351dde16a484bd415d4595297633bb08f03db6a073", 4_422_102),
            Remote("67da17c76eaffca5446c3361aaab5c3cd6d1c2608764d35dfb1850b086bf8dd5", 5_148),
        ),
    ),
    DatasetRow(
        "cifar10",
        "cifar",
        "small photographs",
        shape=(3, 32, 32),
        classes=10,
        train=50_000,
        test=10_000,
        published=Published(
            ("https://www.cs.toronto.edu/~kriz",),
            ("cifar-10-batches-bin", "cifar10", "."),
            {
                "cifar-10-binary.tar.gz": Remote(
                    "c4a38c50a1bc5f3a1c5537f2155ab9d68f9f25eb1ed8d9ddda3db29a59bca1dd", 170_052_171
                )
            },
            Records(
                tuple(f"data_batch_{number}.bin" for number in range(1, 6)), ("test_batch.bin",), "batches.meta.txt"
            ),
        ),
    ),
    DatasetRow(
        "cifar100",
        "cifar",
        "small photographs",
        shape=(3, 32, 32),
        classes=100,
        train=50_000,
        test=10_000,
        published=Published(
            ("https://www.cs.toronto.edu/~kriz",),
            ("cifar-100-binary", "cifar100", "."),
            {
                "cifar-100-binary.tar.gz": Remote(
                    "58a81ae192c23a4be8b1804d68e518ed807d710a4eb253b1f2a199162a40d8ec", 168_513_733
                )
            },
            Records(("train.bin",), ("test.bin",), "fine_label_names.txt", label_bytes=2),  # coarse, then fine
        ),
    ),
    DatasetRow(
        "svhn",
        "svhn",
        "house numbers, cropped to single digits",
        shape=(3, 32, 32),
        classes=DIGITS,
        train=73_257,
        test=26_032,
        published=Published(
            ("http://ufldl.stanford.edu/housenumbers",),
            ("svhn", "SVHN", "."),
            {
                "train_32x32.mat": Remote(
                    "435e94d69a87fde4fd4d7f3dd208dfc32cb6ae8af2240d066de1df7508d083b8", 182_040_794
                ),
                "test_32x32.mat": Remote(
                    "cdce80dfb2a2c4c6160906d0bd7c68ec5a99d7ca4831afa54f09182025b6a75b", 64_275_384
                ),
            },
        ),
    ),
    DatasetRow(
        "images:PATH", "images", "folder or archive with one folder of images per class", needs_shape=True, streams=True
    ),
    DatasetRow("npz:FILE", "arrays", "arrays x and y, or x_train, y_train, x_test, y_test"),
    DatasetRow("csv:FILE", "csv_table", "one row per example, its class in the last column"),
    DatasetRow("hf:NAME", "hf.hub", "dataset of the Hugging Face Hub, or Parquet files", on_hub=True, needs_shape=True),
    DatasetRow(
        "wds:PATH",
        "wds.webdataset",
        "WebDataset shards; may be larger than memory",
        needs_shape=True,
        streams=True,
    ),
)


@dataclass(frozen=True)
class Request:
    """A dataset to load, and how the network reads it: the argument of a loader.

    ``argument`` is what follows the colon of the dataset's name. The other fields are the arguments of
    :func:`cnncli.data.dataset_loading.load_dataset`.
    """

    row: DatasetRow
    argument: str
    shape: tuple[int, ...]
    data_dir: Path | None = None
    stream: bool = False
    task: str = "auto"
    outputs: int = 1
    trained: ColumnNames | None = None

    @property
    def spec(self) -> str:
        """The dataset as the user wrote it."""
        return f"{self.row.key}:{self.argument}" if self.row.takes_argument else self.row.name


def find_dataset(spec: str) -> tuple[DatasetRow, str]:
    """The row of the dataset ``spec``, and its argument. Raises CnnError for an unknown one."""
    key, colon, argument = spec.partition(":")
    for row in DATASETS:
        if row.key == key and row.takes_argument == bool(colon):
            return row, argument
    raise _unknown(spec)


def _unknown(spec: str) -> CnnError:
    known = f"the datasets are {', '.join(row.name for row in DATASETS)}"
    if path_exists(spec):
        return CnnError(f"unknown dataset {spec!r}", f"use images:{spec} for the images in it; {known}")
    names = {row.key: row.name for row in DATASETS}
    near = closest(spec.partition(":")[0].replace("-", "_"), [*names])
    suggestion = f"did you mean {names[near]}? " if near else ""
    return CnnError(f"unknown dataset {spec!r}", suggestion + known)


def path_exists(path: str) -> bool:
    """Whether there is a file or folder of this path; False for a text that cannot be a path."""
    try:
        return bool(path) and Path(path).expanduser().exists()
    except (OSError, RuntimeError, ValueError):  # too long, no such user, or with a NUL
        return False
