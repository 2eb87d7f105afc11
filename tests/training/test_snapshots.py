"""What a model shows, by what it can do; and the paths between codes, against closed forms."""

import math
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from tests.harness import begin
from workbench import sampling
from workbench.data.imageset import ImageSet, Split
from workbench.training import snapshots
from workbench.training.events import Snapshot


def taken(tmp_path: Path, model: str, *, final: bool, **settings: str) -> Snapshot:
    session = begin(tmp_path, model, **settings)
    with session.state.for_looking() as shown:
        return snapshots.take(shown, session.images, sampling.make("own", shown, session.images), 0, 6, 1.0, final)


@pytest.mark.parametrize("model", ["ae", "vae"])
def test_an_encoder_shows_everything_at_the_end(model: str, tmp_path: Path) -> None:
    shown = taken(tmp_path, model, final=True)
    assert shown.samples.shape == (64, 1, 8, 8)
    assert shown.reconstructions is not None
    assert [half.shape for half in shown.reconstructions] == [(24, 1, 8, 8)] * 2
    assert shown.codes is not None
    assert shown.labels is not None
    assert (shown.codes.shape, shown.labels.shape) == ((180, 4), (180,))
    assert shown.interpolation is not None
    assert shown.interpolation.shape == (8, snapshots.POINTS + 2, 1, 8, 8)
    originals = shown.reconstructions[0]
    np.testing.assert_array_equal(shown.interpolation[:, 0], originals[:8])
    np.testing.assert_array_equal(shown.interpolation[:, -1], originals[8:16])
    assert shown.traversal is not None
    assert shown.traversal.shape == (4, snapshots.POINTS, 1, 8, 8)
    assert sorted(shown.traversed) == [0, 1, 2, 3]
    spread = shown.codes.std(0)
    assert list(spread[list(shown.traversed)]) == sorted(spread, reverse=True)  # the most active first


@pytest.mark.parametrize("model", ["ae", "vae", "gan"])
def test_paths_are_drawn_at_the_end_only(model: str, tmp_path: Path) -> None:
    shown = taken(tmp_path, model, final=False)
    assert shown.interpolation is None
    assert shown.traversal is None
    assert (shown.codes is None) == (shown.reconstructions is None) == (model == "gan")


def test_a_generator_shows_what_it_can(tmp_path: Path) -> None:
    shown = taken(tmp_path, "gan", final=True)
    assert shown.samples.dtype == np.uint8
    assert (shown.reconstructions, shown.codes, shown.labels, shown.traversal) == (None, None, None, None)
    assert shown.interpolation is not None
    assert shown.interpolation.shape == (8, snapshots.POINTS, 1, 8, 8)


def test_a_snapshot_is_the_same_each_time_and_plain_data(tmp_path: Path) -> None:
    session = begin(tmp_path, "vae")
    state = torch.random.get_rng_state()
    with session.state.for_looking() as shown:
        one, other = (
            snapshots.take(shown, session.images, sampling.make("own", shown, session.images), 0, 6, 1.0, True)
            for _ in range(2)
        )
    assert torch.equal(torch.random.get_rng_state(), state)
    for name, value in vars(one).items():
        assert not isinstance(value, torch.Tensor), name
        np.testing.assert_equal(value, getattr(other, name))
    assert session.state.model.training


@pytest.mark.parametrize("count", [1, 2, 3])
def test_hardly_any_held_out_images(count: int, tmp_path: Path) -> None:
    session = begin(tmp_path, "vae")
    images = vars(session.images) | {"test": Split(session.images.test.images[:count], None)}
    with session.state.for_looking() as shown:
        few = ImageSet(**images)
        snapshot = snapshots.take(shown, few, sampling.make("own", shown, few), 0, 6, 1.0, True)
    assert snapshot.codes is not None
    assert len(snapshot.codes) == count
    assert snapshot.labels is None
    assert (snapshot.interpolation is None) == (count == 1)


def ends(seed: int, rows: int = 5, dimensions: int = 7) -> Any:
    return torch.randn(2, rows, dimensions, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


@pytest.mark.parametrize("kind", ["linear", "spherical"])
def test_a_path_begins_and_ends_where_it_should(kind: Any) -> None:
    start, end = ends(0)
    path = snapshots.path(start, end, kind, 9)
    assert path.shape == (5, 9, 7)
    torch.testing.assert_close(path[:, 0], start)
    torch.testing.assert_close(path[:, -1], end)


def test_a_spherical_path_keeps_the_length_and_an_even_pace() -> None:
    start, end = (torch.nn.functional.normalize(part, dim=-1) * 3 for part in ends(1))
    path = snapshots.path(start, end, "spherical", 9)
    torch.testing.assert_close(path.norm(dim=-1), torch.full((5, 9), 3.0, dtype=path.dtype))
    angle = torch.arccos((start * end).sum(-1) / 9)
    steps = torch.arccos(((path[:, 1:] * path[:, :-1]).sum(-1) / 9).clamp(-1, 1))
    torch.testing.assert_close(steps, (angle / 8)[:, None].expand(5, 8))


def test_a_quarter_circle_and_a_straight_line() -> None:
    start, end = torch.tensor([[1.0, 0.0]]), torch.tensor([[0.0, 1.0]])
    half = math.sqrt(0.5)
    torch.testing.assert_close(snapshots.path(start, end, "spherical", 3)[0, 1], torch.tensor([half, half]))
    torch.testing.assert_close(snapshots.path(start, end, "linear", 3)[0, 1], torch.tensor([0.5, 0.5]))


@pytest.mark.parametrize("scale", [1.0, 2.5, -1.0])
def test_parallel_codes_make_no_nan(scale: float) -> None:
    start = torch.tensor([[1.0, 2.0, 3.0]])
    path = snapshots.path(start, scale * start, "spherical", 5)
    assert path.isfinite().all()
    torch.testing.assert_close(path[0, -1], scale * start[0])
    torch.testing.assert_close(path[0, 2], (1 + scale) / 2 * start[0])
