"""The contact sheet: a whole run on one page, what it was told on the left and what became of it beside that."""

from collections.abc import Sequence
from itertools import product

from PIL import Image, ImageDraw

from workbench.figures.layout import Header, compose, paragraph
from workbench.figures.palette import GREY, INK, PAPER, RULE
from workbench.figures.text import font, line_height, shorten, wrap

COLUMN = 540  # px; draw the pictures with `header=None, width=COLUMN`

_SIDE = 248  # px, settings and numbers
_GAP = 36
_HEADING = 16
_BELOW = 32  # px after each picture
_TEXT = 13


def summary(
    header: Header,
    pictures: Sequence[tuple[str, Image.Image]],
    settings: Sequence[tuple[str, str]],
    numbers: Sequence[tuple[str, str, str]],
) -> Image.Image:
    """One page of titled pictures, (title, picture), settings, (name, value), and numbers, (name, value, unit).

    The pictures are those of this package drawn with `header=None, width=COLUMN`; wider ones are reduced. An empty
    title takes no room: curves bring titles of their own.
    """
    side = _side(settings, numbers)
    columns = _columns([(title, _reduced(picture)) for title, picture in pictures])
    width = _SIDE + len(columns) * (_GAP + COLUMN) if columns else _SIDE
    body = Image.new("RGB", (width, max(part.height for part in (side, *columns))), PAPER)
    body.paste(side, (0, 0))
    for i, column in enumerate(columns):
        body.paste(column, (_SIDE + _GAP + i * (COLUMN + _GAP), 0))
    return compose(body, header)


def _side(settings: Sequence[tuple[str, str]], numbers: Sequence[tuple[str, str, str]]) -> Image.Image:
    """Final numbers large, settings as a table; drawn once on nothing, to know how tall it is."""

    def fill(page: Image.Image) -> int:
        draw = ImageDraw.Draw(page)
        y = _numbers(draw, numbers, 0) if numbers else 0
        return _settings(draw, settings, y + (22 if numbers else 0)) if settings else y

    page = Image.new("RGB", (_SIDE, max(1, fill(Image.new("RGB", (1, 1))))), PAPER)
    fill(page)
    return page


def _numbers(draw: ImageDraw.ImageDraw, numbers: Sequence[tuple[str, str, str]], y: int) -> int:
    y = _heading(draw, "Final numbers", y)
    for name, value, unit in numbers:
        y = paragraph(draw, (0, y), wrap(name, font(_TEXT), _SIDE), font(_TEXT), GREY)
        large, small = font(20, bold=True), font(12)
        end = 0
        for line in wrap(value, large, _SIDE):
            y = paragraph(draw, (0, y), [line], large, INK)
            end = round(large.getlength(line))
        if unit and end + 8 + small.getlength(unit) <= _SIDE:
            draw.text(
                (end + 8, y - line_height(large) + round(20 * 1.08)), unit, font=small, fill=GREY, anchor="ls"
            )
        elif unit:
            y = paragraph(draw, (0, y), wrap(unit, small, _SIDE), small, GREY)
        y += 8
    return y


def _settings(draw: ImageDraw.ImageDraw, settings: Sequence[tuple[str, str]], y: int) -> int:
    """Name at the left, value at the right; a value that does not fit beside its name goes below it."""
    y = _heading(draw, "Settings", y)
    face = font(_TEXT)
    for name, value in settings:
        names, values = wrap(name, face, _SIDE), wrap(value, face, _SIDE)
        top = y + 2
        y = paragraph(draw, (0, top), names, face, GREY)
        beside = len(names) == len(values) == 1
        if beside and face.getlength(names[0]) + 12 + face.getlength(values[0]) <= _SIDE:
            y = top
        for line in values:
            draw.text((_SIDE - 1, y + round(_TEXT * 1.08)), line, font=face, fill=INK, anchor="rs")
            y += line_height(face)
        y += 3
        draw.line((0, y, _SIDE, y), fill=RULE)
        y += 1
    return y


def _heading(draw: ImageDraw.ImageDraw, text: str, y: int) -> int:
    return paragraph(draw, (0, y), [text], font(_HEADING, bold=True), INK) + 8


def _reduced(picture: Image.Image) -> Image.Image:
    picture = picture.convert("RGB")
    if picture.width <= COLUMN:
        return picture
    return picture.resize(
        (COLUMN, max(1, round(picture.height * COLUMN / picture.width))), Image.Resampling.LANCZOS
    )


def _columns(pictures: Sequence[tuple[str, Image.Image]]) -> list[Image.Image]:
    """The pictures in two columns, in their order within each, the first at the upper left."""
    heights = [_head(title) + picture.height + _BELOW for title, picture in pictures]
    columns: list[list[tuple[str, Image.Image]]] = [[] for _ in range(min(2, len(pictures)))]
    for titled, column in zip(pictures, _shares(heights), strict=True):
        columns[column].append(titled)
    return [_column(column) for column in columns]


def _shares(heights: Sequence[int]) -> tuple[int, ...]:
    """For each picture the column, 0 or 1, such that the longer column is as short as can be."""
    if len(heights) > 12:  # two to the twelfth ways are quickly tried; more pictures than that just alternate
        return tuple(i % 2 for i in range(len(heights)))
    if len(heights) < 2:
        return (0,) * len(heights)

    def longer(columns: tuple[int, ...]) -> int:
        right = sum(height for height, column in zip(heights, columns, strict=True) if column)
        return max(right, sum(heights) - right)

    return min(((0, *rest) for rest in product((0, 1), repeat=len(heights) - 1) if any(rest)), key=longer)


def _column(pictures: Sequence[tuple[str, Image.Image]]) -> Image.Image:
    height = sum(_head(title) + picture.height + _BELOW for title, picture in pictures) - _BELOW
    image = Image.new("RGB", (COLUMN, height), PAPER)
    draw, y = ImageDraw.Draw(image), 0
    for title, picture in pictures:
        if title:
            _heading(draw, shorten(title, font(_HEADING, bold=True), COLUMN), y)
        image.paste(picture, (0, y + _head(title)))
        y += _head(title) + picture.height + _BELOW
    return image


def _head(title: str) -> int:
    return line_height(font(_HEADING, bold=True)) + 8 if title else 0
