"""`load`: the one way to images."""

from pathlib import Path

from models.errors import InputError
from workbench.data import catalogue, cifar, embedded, fetch, idx
from workbench.data.catalogue import Binarise, DatasetInfo
from workbench.data.folder import read_folder
from workbench.data.imageset import (
    Found,
    ImageSet,
    Progress,
    Split,
    binarised,
    fingerprint,
    hold_out,
    shuffled,
)
from workbench.data.shaping import reshape


def load(
    name: str,
    *,
    data_dir: Path | None = None,
    image_size: int | None = None,
    channels: int | None = None,
    limit: int | None = None,
    seed: int = 0,
    binarise: Binarise | None = None,
    progress: Progress | None = None,
) -> ImageSet:
    """Read the set `name`, a name of the catalogue or folder:PATH, and bring it to one shape.

    data_dir     where sets are looked for and downloaded to; None: see `catalogue.data_dir`
    image_size   side in pixels, a multiple of 4 from 8 to 128; None: the set's own, 32 for a folder
    channels     1 grey or 3 colour; None: the set's own, for a folder 1 if every pixel is grey, else 3
    limit        train on this many images only, chosen by `seed` evenly over the set (a larger limit contains a
                 smaller one); the held-out images stay all there; None, or more than there are: all
    seed         chooses the held-out tenth of a set without a split of its own, and composes `abstract`.
                 It belongs to the data: runs that are to be compared share it
    binarise     "static": every pixel 0 or 255, by a threshold; "dynamic": the held-out ones drawn once, from
                 `seed`, the training ones by `ImageSet.seen` at each step; None: greys
    progress     called with (what, done, total) now and then while something takes time

    `digits` and `abstract` are drawn at the size asked for, other sets are resized. Raises `InputError` for
    anything a person can put right.
    """
    _check(image_size, channels, limit)
    info = catalogue.find(name)
    data = catalogue.data_dir(data_dir)
    found = _read(info, data, image_size or info.size, channels, seed, progress or _silent)
    train, test = found.train, found.test
    if test is None:
        if len(train) < 2:
            raise InputError(f"{name} has one image only; one to train on and one to hold out are needed.")
        train, test = hold_out(train, seed)
    if info.kind != "download":
        # Folders come sorted by class, and pictures and scatters show the first images; published sets are mixed.
        test = test.take(shuffled(len(test), seed))
    if limit is not None and limit < len(train):
        train = train.take(shuffled(len(train), seed)[:limit].sort().values)

    own_size, own_channels = train.images.shape[2], train.images.shape[1]
    train, test = (
        Split(reshape(split.images, image_size or own_size, channels or own_channels), split.labels)
        for split in (train, test)
    )
    if binarise == "static":
        train, test = binarised(train, None), binarised(test, None)
    elif binarise == "dynamic":
        test = binarised(test, seed)
    return ImageSet(
        info.name, info.title, train, test, found.classes, fingerprint(train, test), found.notices, binarise
    )  # fmt: skip


def _read(info: DatasetInfo, data: Path, size: int, channels: int | None, seed: int, progress: Progress) -> Found:
    if info.kind == "folder":
        return read_folder(info, size, channels, data, progress)
    if info.name == "digits":
        return embedded.read_digits(size)
    if info.name == "abstract":
        return embedded.read_abstract(size, seed, data, progress)
    unpack = cifar.unpack if info.name == "cifar10" else None
    place = catalogue.located(info, data) or fetch.fetch(info, data, progress, unpack)
    if info.name == "cifar10":
        return cifar.read_cifar10(info, place, data, progress)
    return idx.read_family(info, place)


def _check(image_size: int | None, channels: int | None, limit: int | None) -> None:
    if image_size is not None and (image_size % 4 or not 8 <= image_size <= 128):
        raise InputError(f"The image size must be a multiple of 4 from 8 to 128; got {image_size}.")
    if channels not in (None, 1, 3):
        raise InputError(f"channels must be 1 (grey) or 3 (colour); got {channels}.")
    if limit is not None and limit < 1:
        raise InputError(f"limit must be 1 or more; got {limit}.")


def _silent(what: str, done: int, total: int) -> None:
    """Progress for nobody."""
