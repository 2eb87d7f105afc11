"""The lab's six figures, from the folders of its three runs."""

import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from workbench import figures
from workbench.album import panels
from workbench.runs import files
from workbench.runs.folder import RunFolder
from workbench.runs.history import History
from workbench.units import dataset_title


class Figure(NamedTuple):
    """One of the six."""

    number: int
    experiment: str
    slug: str
    title: str
    panels: tuple[str, ...] = ()  # charts of these titles
    picture: tuple[str, str] = ("", "")  # or a picture of the run: folder and name

    @property
    def file(self) -> str:
        """Its name in the lab's folder."""
        return f"{self.number}-{self.slug}.png"


FIGURES = (
    Figure(1, "ae", "ae-loss", "The autoencoder's loss", ("Reconstruction error",)),
    Figure(2, "ae", "ae-latent-space", "The autoencoder's latent space", picture=("latent", "final")),
    Figure(3, "vae", "vae-loss-and-kl", "The VAE's loss and KL", ("Loss", "KL")),
    Figure(4, "vae", "vae-latent-space", "The VAE's latent space", picture=("latent", "final")),
    Figure(5, "gan", "gan-losses", "The GAN's losses", ("Losses",)),
    Figure(6, "gan", "gan-images", "Images of the GAN", picture=("samples", "final")),
)


def draw(lab: Path) -> Iterator[Figure]:
    """Write each figure below `lab`/figures that its run has something for, and name it.

    Raises `OSError` where one cannot be written.
    """
    (lab / "figures").mkdir(exist_ok=True)
    for figure in FIGURES:
        folder = RunFolder(lab / figure.experiment)
        target = lab / "figures" / figure.file
        source = folder.picture(*figure.picture)
        if figure.panels and folder.metrics_file.exists():
            files.write(target, _curves(folder, figure))
        elif not figure.panels and source.exists():
            shutil.copyfile(source, target)
        else:
            continue
        yield figure


def _curves(folder: RunFolder, figure: Figure) -> bytes:
    config = folder.config()
    history = History.read(folder.metrics_file)
    chosen = [panel for panel in panels(history, folder.metrics()) if panel.title in figure.panels]
    header = figures.Header(
        figure.title,
        f"{dataset_title(config.data.dataset)} · {config.training.epochs} epochs of batches of "
        f"{config.training.batch_size} · seed {config.training.seed}",
        f"Held-out values are those of {config.training.shown_weights}." if _has_held_out(chosen) else "",
    )
    return figures.png(figures.curves(chosen, header))


def _has_held_out(chosen: list[figures.Panel]) -> bool:
    return any(series.label == "held-out" for panel in chosen for series in panel.series)
