"""Which image sets there are, where they live on disk and whether they are there.

Neither torch nor numpy is imported here: the command line and the first screen list the sets before either.
"""

import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from models.errors import InputError
from models.settings import suggest

SUFFIXES = (".png", ".jpg", ".jpeg", ".webp", ".gif", ".bmp")
IDX_FILES = (
    "train-images-idx3-ubyte", "train-labels-idx1-ubyte", "t10k-images-idx3-ubyte", "t10k-labels-idx1-ubyte",
)  # fmt: skip
CIFAR_FOLDER = "cifar-10-batches-py"
CIFAR_ARCHIVE = "cifar-10-python.tar.gz"
CIFAR_FILES = (*(f"data_batch_{n}" for n in range(1, 6)), "test_batch")

Binarise = Literal["static", "dynamic"]

_FOLDER_PREFIX = "folder:"
_TORCHVISION = {"mnist": "MNIST", "fashion-mnist": "FashionMNIST", "kmnist": "KMNIST", "cifar10": "CIFAR10"}


@dataclass(frozen=True)
class DatasetInfo:
    """What is known of a set before it is read.

    `size` is the side of its square images in pixels, `channels` 1 (grey) or 3 (colour). None means that only
    reading tells. `recipe` holds the training defaults that suit this set better than the general ones.
    """

    name: str
    kind: Literal["embedded", "download", "folder"]
    summary: str
    classes: int | None
    channels: int
    size: int
    train: int | None
    test: int | None
    recipe: Mapping[str, int] = field(default_factory=dict)
    megabytes: int = 0  # to download

    @property
    def title(self) -> str:
        """What a heading or a run's name calls it: the name, or the folder's own name without its path."""
        return printable(real(self.folder).name) or "folder" if self.kind == "folder" else self.name

    @property
    def folder(self) -> Path:
        """The folder of images behind a `folder:PATH`; only such a set has one."""
        assert self.kind == "folder"
        return Path(self.name.removeprefix(_FOLDER_PREFIX))

    @property
    def torchvision_name(self) -> str:
        """The class in `torchvision.datasets` that knows where to download the set; a downloaded set has one."""
        return _TORCHVISION[self.name]


DATASETS: dict[str, DatasetInfo] = {
    info.name: info
    for info in (
        DatasetInfo(
            "digits", "embedded", "Handwritten digits of scikit-learn, smoothly enlarged from 8x8; works offline.",
            10, 1, 28, 1617, 180, recipe={"epochs": 60, "every": 5},
        ),
        DatasetInfo(
            "abstract", "embedded", "Abstract colour paintings composed from a seed; works offline.",
            8, 3, 32, 3600, 400,
        ),
        DatasetInfo(
            "mnist", "download", "Handwritten digits of MNIST.",
            10, 1, 28, 60_000, 10_000, megabytes=12,
        ),
        DatasetInfo(
            "fashion-mnist", "download", "Clothes and shoes in grey.",
            10, 1, 28, 60_000, 10_000, megabytes=31,
        ),
        DatasetInfo(
            "kmnist", "download", "Cursive Japanese characters.",
            10, 1, 28, 60_000, 10_000, megabytes=21,
        ),
        DatasetInfo(
            "cifar10", "download", "Photographs of animals and vehicles.",
            10, 3, 32, 50_000, 10_000, megabytes=170,
        ),
    )
}  # fmt: skip


def find(name: str) -> DatasetInfo:
    """The set called `name`, or the folder behind `folder:PATH` (described as 32x32 colour until it is read).

    The name of a folder's description has the absolute path, so that it means the same from anywhere. Raises
    `InputError` for an unknown name and for a path that is not a folder.
    """
    if name in DATASETS:
        return DATASETS[name]
    if name.startswith(_FOLDER_PREFIX):
        given = name.removeprefix(_FOLDER_PREFIX)
        if not _is_folder(given):
            raise InputError(
                f"There is no folder {printable(given) or repr('')}. Give a folder of images as folder:PATH, "
                "for example --dataset folder:./pictures."
            )
        absolute = _FOLDER_PREFIX + str(expanded(given).absolute())
        return DatasetInfo(absolute, "folder", "Images from a folder of yours.", None, 3, 32, None, None)
    hint = suggest(name, DATASETS)
    if not hint and _is_folder(name):
        hint = f" Did you mean {_FOLDER_PREFIX + name!r}?"
    raise InputError(f"There is no dataset {name!r}.{hint} Datasets: {', '.join(DATASETS)}, folder:PATH.")


def data_dir(given: Path | None = None) -> Path:
    """Where sets are looked for and downloaded to: `given`, else $GENBENCH_DATA_DIR, else the user's cache."""
    if given is not None:
        return expanded(str(given))
    if from_environment := os.environ.get("GENBENCH_DATA_DIR"):
        return expanded(from_environment)
    return user_cache() / "data"


def may_write(folder: Path) -> bool:
    """Whether a data folder, which need not exist yet, may be written to.

    A folder without any write permission is left alone by root as well, whom the system would let.
    """
    while not os.path.exists(folder) and folder != folder.parent:  # noqa: PTH110 (see `_is_file`)
        folder = folder.parent
    return os.access(folder, os.W_OK) and bool(folder.stat().st_mode & 0o222)


def user_cache() -> Path:
    """The folder this system gives programs like ours for what can be made again."""
    from platformdirs import user_cache_dir

    return Path(user_cache_dir("genbench"))


def is_present(info: DatasetInfo, folder: Path) -> bool:
    """Whether `load` would need no network, judged by the files' names under the data folder `folder`."""
    if info.kind == "embedded":
        return True
    return _is_folder(str(info.folder)) if info.kind == "folder" else located(info, folder) is not None


def located(info: DatasetInfo, folder: Path) -> Path | None:
    """The folder that holds every file of a downloadable set, among the places of its usual layouts."""
    holds = _holds_cifar if info.name == "cifar10" else _holds_idx
    return next((place for place in _places(info, folder) if holds(place)), None)


def either(place: Path, stem: str) -> Path | None:
    """The file `stem` in `place`, plain or gzipped, whichever is there."""
    return next((path for path in (place / stem, place / f"{stem}.gz") if _is_file(path)), None)


def _holds_idx(place: Path) -> bool:
    return all(either(place, stem) for stem in IDX_FILES)


def _holds_cifar(place: Path) -> bool:
    unpacked = all(_is_file(place / CIFAR_FOLDER / name) for name in CIFAR_FILES)
    return unpacked or _is_file(place / CIFAR_ARCHIVE)


def _places(info: DatasetInfo, folder: Path) -> Iterator[Path]:
    """Ours first, then torchvision's, then the files lying in the data folder itself."""
    yield folder / info.name
    yield folder / info.torchvision_name / "raw"
    yield folder / info.torchvision_name

    # The MNIST family shares its file names, so a folder called after another set of the family is not ours.
    own = {info.name, info.torchvision_name.lower()}
    family = {word.lower() for pair in _TORCHVISION.items() for word in pair}
    named = real(folder)
    if not {named.name.lower(), named.parent.name.lower() if named.name == "raw" else ""} & (family - own):
        yield folder


def real(path: Path) -> Path:
    """`path` without links, as far as it can be followed: links that lead in a circle stay as they are."""
    return Path(os.path.realpath(path))


def printable(name: str) -> str:
    """A file's name on one line: bytes that are no text, control characters and ends of lines are escaped."""
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in name)


# The questions of os.path, unlike those of pathlib, have an answer for every text: a folder that may not be
# entered, a name that is too long, the home of nobody.
def _is_file(path: Path) -> bool:
    return os.path.isfile(path)  # noqa: PTH113


def _is_folder(text: str) -> bool:
    return bool(text) and os.path.isdir(expanded(text))  # noqa: PTH112


def expanded(text: str) -> Path:
    """`text` as a path, ~ and ~user resolved; a user that is not there is left as written, not an error."""
    return Path(os.path.expanduser(text))  # noqa: PTH111
