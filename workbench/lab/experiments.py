"""What the lab trains, with its settings, and what it saw itself: plain data."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

FORMAT = 1
GREY, COLOUR = "mnist", "abstract"
QUICK_GREY = "digits"


@dataclass(frozen=True)
class LabSettings:
    """What a person may choose of the lab; `lab.json` holds it."""

    dataset: str = GREY  # of the autoencoder and the VAE
    colour: str = COLOUR  # of the GAN
    quick: bool = False
    seed: int = 0
    data_dir: str | None = None
    device: str = "auto"
    threads: int | None = None


@dataclass(frozen=True)
class Experiment:
    """One run of the lab."""

    name: str  # of its folder
    model: str
    title: str
    given: Mapping[str, str] = field(default_factory=dict)  # settings as text


@dataclass(frozen=True)
class Seen:
    """A number that the lab's own sheet has."""

    what: str
    experiment: str
    metric: str  # in the run's state
    lab: str
    unit: str


# The sheet sums over a batch of 128: 13497 / 128 and 3360 / 128 are nats per image.
SEEN = (
    Seen("AE, test reconstruction error", "ae", "recon_mse", "0.0054", "squared error per pixel"),
    Seen("VAE, test loss", "vae", "loss", "105.4", "nats per image"),
    Seen("VAE, KL", "vae", "kl", "26.3", "nats per image"),
    Seen("GAN, discriminator's loss in training", "gan", "train_d_loss", "0.2 to 1.0", "nats"),
    Seen("GAN, generator's loss in training", "gan", "train_g_loss", "1.5 to 6.0", "nats"),
)

# The sheet's table "AE vs VAE", and the measures that stand for its words.
WORDS = (
    ("Reconstruction", "High", "Moderate", ("mse", "ssim")),
    ("Latent structure", "Unstructured", "Structured", ("silhouette", "probe", "sliced_wasserstein")),
    ("Generative ability", "Limited", "Strong", ("fd", "precision", "coverage")),
)

CUT = "20 epochs of digits instead of MNIST, 8 epochs of 2,000 colour images for the GAN, fast measuring"


def experiments(settings: LabSettings) -> tuple[Experiment, ...]:
    """The three runs. Their models' recipes are the lab's settings; only a quick lab trains for less."""
    common = {"seed": str(settings.seed), "device": settings.device, "evaluate": "none"}
    if settings.data_dir is not None:
        common["data_dir"] = str(Path(settings.data_dir))
    if settings.threads is not None:
        common["threads"] = str(settings.threads)
    grey = {**common, "dataset": settings.dataset, "epochs": "20"}
    colour = {**common, "dataset": settings.colour, "epochs": "50"}
    if settings.quick:
        grey |= {"every": "5"}
        colour |= {"epochs": "8", "limit": "2000"}
    return (
        Experiment("ae", "ae", "Autoencoder", grey),
        Experiment("vae", "vae", "Variational autoencoder", grey),
        Experiment("gan", "gan", "Generative adversarial network", colour),
    )
