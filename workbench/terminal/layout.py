"""How large the images of a grid are, how many of them are shown, and where: arithmetic on dots, no pixels."""

from collections.abc import Iterator
from dataclasses import dataclass, replace

from workbench.terminal.renderers import Cell

_SMALLEST = 4  # dots; smaller, nothing is shown
_LARGEST = 64  # dots; a small image is not enlarged further
_SEVERAL = 8  # images that show what a model draws,
_ENOUGH = 4  # or fewer where they are sharp
_SHARP = 1.6  # what pixels of a whole number of dots are worth against covering more of the pane


@dataclass(frozen=True)
class Layout:
    """A grid of images of one size, all lengths in dots. With pairs, an image below each belongs to it."""

    tile: tuple[int, int]  # height and width of an image
    pitch: tuple[int, int]  # from an image to the one right of it, and to the other of its pair
    block: int  # from a row of images, or of pairs, to the next
    across: int
    down: int


def arrange(
    count: int, image: tuple[int, int], room: tuple[int, int], cell: Cell, pairs: bool, rows: int | None
) -> Layout | None:
    """The layout that covers most of `room`, (rows, columns) of cells, with images of the size (H, W).

    Unless all images are shown, there are two rows at least, a pair counting as two, and none is enlarged. With a
    number of `rows`, that many; past the most that fit it begins again at one. None where nothing fits.
    """
    own = image[1]
    found = list(_layouts(count, image, room, cell, pairs)) if count else []
    least = min(own, cell.legible if rows is None else cell.legible * 2 // 3)
    legible = [it for it in found if it.tile[1] >= least] or found[:1]
    if not legible:
        return None
    if rows is None:
        high = 1 if pairs else 2
        calm = [it for it in legible if it.across * it.down >= count or (it.down >= high and it.tile[1] <= own)]
        # A few large blurred images tell less than several: only sharp ones may be few, and not fewer than some.
        enough = min(count, _ENOUGH // (2 if pairs else 1))
        several = [it for it in calm if it.across * it.down >= (enough if it.tile[1] % own == 0 else _SEVERAL)]
        small = min(own, cell.legible * 8 // 9)  # a little smaller yet, rather than one alone
        some = [it for it in found if it.tile[1] >= small and it.across * it.down >= enough]
        legible = several or calm or some or legible
    else:
        down = (rows - 1) % max(it.down for it in legible) + 1
        legible = [replace(it, down=down) for it in legible if it.down >= down]
    return max(legible, key=lambda it: _covered(it, count) * (1.0 if it.tile[1] % own else _SHARP))


def _covered(it: Layout, count: int) -> int:
    return min(count, it.across * it.down) * it.tile[1] ** 2


def _layouts(
    count: int, image: tuple[int, int], room: tuple[int, int], cell: Cell, pairs: bool
) -> Iterator[Layout]:
    """Every size at which at least one image fits, the largest first."""
    high, wide = room[0] * cell.down, room[1] * cell.across
    for size in _sizes(image[1]):
        tall = max(1, round(size * image[0] / (image[1] * cell.tall)))
        pitch = up(tall + 1, cell.align[0]), up(size + 1, cell.align[1])
        block = 2 * pitch[0] + cell.down if pairs else pitch[0]
        across = (wide - size) // pitch[1] + 1
        down = (high - tall - (pitch[0] if pairs else 0)) // block + 1
        if across > 0 and down > 0:
            across = min(across, count)
            yield Layout((tall, size), pitch, block, across, min(down, -(-count // across)))


def _sizes(own: int) -> Iterator[int]:
    """Whole enlargements, the image's own size, and smaller ones, though none that would blur it for nothing."""
    yield from range(max(own, _LARGEST // own * own), own - 1, -own)
    yield from range(own * 9 // 10, min(own, _SMALLEST) - 1, -1)


def up(number: int, step: int) -> int:
    """The next multiple of `step`."""
    return -(-number // step) * step
