"""Pictures in pixels are one more way to draw, where textual-image is there and the terminal answered it."""

import asyncio
import sys
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
from textual.widgets import Static

from tests.ui.watching import UTF8, trained, watching
from workbench.terminal.capability import detect
from workbench.ui import pixels


class Exact(Static):
    """Stands for the widget of textual-image: it has an `image`, and says its size."""

    @property
    def image(self) -> Any:
        """The picture shown."""
        return self._image

    @image.setter
    def image(self, value: Any) -> None:
        self._image = value
        self.update(f"{value.width}x{value.height} pixels")


def installed(monkeypatch: pytest.MonkeyPatch, found: str) -> None:
    """A textual-image whose terminal answered so."""
    package, renderable, widget = (ModuleType(name) for name in ("textual_image", "renderable", "widget"))
    for name in ("TGPImage", "SixelImage", "HalfcellImage"):
        setattr(renderable, name, type(name, (), {}))
    renderable.Image = getattr(renderable, found)  # type: ignore[attr-defined]
    widget.Image = Exact  # type: ignore[attr-defined]
    package.renderable, package.widget = renderable, widget  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "textual_image", package)


@pytest.mark.parametrize(
    ("found", "environ", "offered"),
    [
        ("TGPImage", UTF8, True), ("SixelImage", UTF8, True), ("HalfcellImage", UTF8, False),
        ("TGPImage", {**UTF8, "TMUX": "1"}, False),
    ],
)  # fmt: skip
def test_pixels_are_offered_where_they_can_be_shown(
    found: str, environ: dict[str, str], offered: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    installed(monkeypatch, found)
    assert (pixels.probe(detect(environ, "utf-8")) is Exact) == offered


def test_nothing_is_asked_where_textual_image_is_not_installed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "textual_image", None)
    assert pixels.probe(detect(UTF8, "utf-8")) is None


def test_one_key_goes_to_pixels_and_back_to_cells(tmp_path: Path) -> None:
    async def story() -> None:
        async with watching(tmp_path, trained(tmp_path)) as it:
            it.bench.pixels = Exact
            await it.press("i", "i")
            assert "letters" in it.text
            await it.press("i")
            assert "Images as pixels, 4 of 4." in it.text
            assert it.text.count("pixels ") >= 3
            shown = it.view.query(Exact)
            assert len(shown) == 2
            before = shown.first().image
            await it.press(",")
            assert shown.first().image is not before
            await it.press("i")
            assert not shown.first().display
            assert "half blocks" in it.text

    asyncio.run(story())
