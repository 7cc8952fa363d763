"""MNIST and Fashion-MNIST: where their four files may lie, and where they are downloaded from if they lie nowhere."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from cnncli.data.dataset import Dataset, Split
from cnncli.data.download import Remote, by_hand, fetch, writing
from cnncli.data.formats.idx import HINT, read_labelled
from cnncli.data.places import cache, mirrors, places
from cnncli.errors import CnnError
from cnncli.io.files import is_file


@dataclass(frozen=True)
class Collection:
    """A set of four IDX files: the folders it is known by, its mirrors, and each gzipped file's hash and size."""

    folders: tuple[str, ...]
    mirrors: tuple[str, ...]
    files: dict[str, Remote]
    classes: tuple[str, ...]


FILES = ("train-images-idx3-ubyte", "train-labels-idx1-ubyte", "t10k-images-idx3-ubyte", "t10k-labels-idx1-ubyte")

COLLECTIONS = {
    "mnist": Collection(
        folders=("mnist", "MNIST/raw"),
        mirrors=(
            "https://ossci-datasets.s3.amazonaws.com/mnist",
            "https://storage.googleapis.com/cvdf-datasets/mnist",
        ),
        files=dict(
            zip(
                FILES,
                (
                    Remote("440fcabf73cc546fa21475e81ea370265605f56be210a4024d2ca8f203523609", 9_912_422),
                    Remote("3552534a0a558bbed6aed32b30c495cca23d567ec52cac8be1a0730e8010255c", 28_881),
                    Remote("8d422c7b0a1c1c79245a5bcf07fe86e33eeafee792b84584aec276f5a2dbc4e6", 1_648_877),
                    Remote("f7ae60f92e00ec6debd23a6088c31dbd2371eca3ffa0defaefb259924204aec6", 4_542),
                ),
                strict=True,
            )
        ),
        classes=("0", "1", "2", "3", "4", "5", "6", "7", "8", "9"),
    ),
    "fashion_mnist": Collection(
        folders=("fashion_mnist", "FashionMNIST/raw"),
        mirrors=(
            "https://fashion-mnist.s3.eu-central-1.amazonaws.com",
            "http://fashion-mnist.s3-website.eu-central-1.amazonaws.com",
        ),
        files=dict(
            zip(
                FILES,
                (
                    Remote("3aede38d61863908ad78613f6a32ed271626dd12800ba2636569512369268a84", 26_421_880),
                    Remote("a04f17134ac03560a47e3764e11b92fc97de4d1bfaf8ba1a3aa29af54cc90845", 29_515),
                    Remote("346e55b948d973a97e58d2351dde16a484bd415d4595297633bb08f03db6a073", 4_422_102),
                    Remote("67da17c76eaffca5446c3361aaab5c3cd6d1c2608764d35dfb1850b086bf8dd5", 5_148),
                ),
                strict=True,
            )
        ),
        classes=(
            "T-shirt/top",
            "Trouser",
            "Pullover",
            "Dress",
            "Coat",
            "Sandal",
            "Shirt",
            "Sneaker",
            "Bag",
            "Ankle boot",
        ),
    ),
}


def load(name: str, data_dir: Path | None) -> Dataset:
    """Load ``mnist`` or ``fashion_mnist``, images (1, 28, 28), from disk, or from the network the first time."""
    collection = COLLECTIONS[name]
    found = next(filter(None, map(_complete, places(collection.folders, data_dir))), None)
    paths = found or _download(name, collection, data_dir)
    train, test = (Split(*read_labelled(paths[at], paths[at + 1], len(collection.classes))) for at in (0, 2))
    if train.images.shape[1:] != test.images.shape[1:]:
        sizes = " and ".join("x".join(map(str, split.images.shape[2:])) for split in (train, test))
        raise CnnError(f"{paths[0]} and {paths[2]} hold images of different sizes, {sizes}", HINT)
    return Dataset(name, train, test, collection.classes)


def is_local(name: str, data_dir: Path | None) -> bool:
    """Whether it can be used without a download."""
    return any(map(_complete, places(COLLECTIONS[name].folders, data_dir)))


def _complete(folder: Path) -> list[Path] | None:
    """The four files in ``folder``, in the order of FILES, or None when one is missing."""
    paths = [path for name in FILES if (path := _spelled(folder, name))]
    return paths if len(paths) == len(FILES) else None


def _spelled(folder: Path, name: str) -> Path | None:
    """The file ``name``, also with a dot before idx and also gzipped, or None."""
    spellings = (name, name.replace("-idx", ".idx"))
    candidates = (folder / f"{spelling}{ending}" for spelling in spellings for ending in ("", ".gz"))
    return next((path for path in candidates if is_file(path)), None)


def _download(name: str, collection: Collection, data_dir: Path | None) -> list[Path]:
    """Download what is missing into ``data_dir`` or the user's cache, and give the four files."""
    addresses = mirrors(name, collection.mirrors)
    folder = (data_dir or cache()) / name
    with writing(name, folder):
        return [_spelled(folder, file) or _fetched(collection, addresses, folder, file) for file in FILES]


def _fetched(collection: Collection, addresses: tuple[str, ...], folder: Path, file: str) -> Path:
    target = folder / f"{file}.gz"
    hint = by_hand(", ".join(f"{each}.gz" for each in FILES), folder)
    fetch([f"{mirror}/{file}.gz" for mirror in addresses], target, collection.files[file], hint)
    return target
