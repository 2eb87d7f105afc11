"""The pictures of a run: exactly the documented files, each a readable PNG, and never the end of a training."""

from pathlib import Path

import pytest
from PIL import Image

from tests.harness import begin, train
from workbench import figures
from workbench.training.events import Finished, Notice

ALWAYS = {
    "samples/step-000000006.png", "samples/step-000000012.png", "samples/final.png",
    "curves/curves.png", "interpolation/final.png", "summary.png",
}  # fmt: skip
ENCODERS = {
    "reconstructions/step-000000006.png", "reconstructions/step-000000012.png", "reconstructions/final.png",
    "latent/step-000000006.png", "latent/step-000000012.png", "latent/final.png", "traversal/final.png",
}  # fmt: skip


def pictures(run: Path) -> dict[str, tuple[int, int]]:
    """The PNGs below a run and their sizes; each is decoded to the end."""
    found = {}
    for path in run.rglob("*.png"):
        with Image.open(path) as picture:
            picture.load()
            assert picture.format == "PNG"
            assert len(picture.convert("L").getcolors(256) or []) > 1, f"{path} is blank"
            found[path.relative_to(run).as_posix()] = picture.size
    return found


@pytest.mark.parametrize(
    ("model", "latent", "expected"),
    [("vae", "4", ALWAYS | ENCODERS | {"latent/tsne.png"}), ("ae", "2", ALWAYS | ENCODERS), ("gan", "4", ALWAYS)],
)
def test_a_run_draws_the_documented_files(model: str, latent: str, expected: set[str], tmp_path: Path) -> None:
    run = begin(tmp_path, model, "mine", epochs="2", every="1", latent=latent)
    told = train(run, draw=True)
    assert [event for event in told if isinstance(event, Notice)] == []
    sizes = pictures(run.folder.path)
    assert set(sizes) == expected
    for name, (width, height) in sizes.items():
        assert 300 <= width <= 6000, name
        assert 200 <= height <= 6000, name
    assert min(sizes["summary.png"]) >= 1000
    leftovers = [path for path in run.folder.path.rglob("*") if path.suffix == ".tmp"]
    assert leftovers == []


def test_a_picture_that_cannot_be_drawn_ends_no_training(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_: object, **__: object) -> None:
        raise ValueError("no such colour")

    monkeypatch.setattr(figures, "samples", broken)
    run = begin(tmp_path, "ae", epochs="2", every="1")
    told = train(run, draw=True)
    assert told[-1] == Finished("done", 12)
    (notice,) = [event for event in told if isinstance(event, Notice)]
    assert "no such colour" in notice.text
    assert "in broken" in run.folder.log_file.read_text()
    assert run.folder.state().status == "done"
    assert run.folder.snapshot(6).is_file()  # the arrays do not wait for the drawing
