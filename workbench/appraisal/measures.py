"""Every measure genbench has: unit, direction, definition and source, in the order of its tables.

A number never appears without these. `docs/measures.md` is generated from this table.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from workbench.runs.evaluations import Group

_BURDA = "Burda et al. 2016, arXiv 1509.00519"


@dataclass(frozen=True)
class Measure:
    """What a number means."""

    group: Group
    title: str
    unit: str
    better: Literal["lower", "higher"] | None
    definition: str  # one sentence
    source: str


MEASURES: Mapping[str, Measure] = {
    "mse": Measure(
        "reconstruction",
        "MSE",
        "squared error per pixel",
        "lower",
        "Mean squared difference of a held-out image and its deterministic reconstruction, pixels in [0, 1].",
        "own, per image",
    ),
    "psnr": Measure(
        "reconstruction",
        "PSNR",
        "dB",
        "higher",
        "Peak signal-to-noise ratio, −10 log10 of the squared error of an image, averaged over images.",
        "own, per image; held against scikit-image",
    ),
    "ssim": Measure(
        "reconstruction",
        "SSIM",
        "−1 to 1",
        "higher",
        "Structural similarity of a held-out image and its reconstruction.",
        "Wang et al. 2004; torchmetrics",
    ),
    "elbo": Measure(
        "likelihood",
        "−ELBO",
        "nats per image",
        "lower",
        "Negative evidence lower bound, −E_q[log p(x|z)] + KL(q(z|x) ‖ p(z)), one z an image, KL in closed form.",
        "Kingma and Welling 2014, eq. 3",
    ),
    "reconstruction": Measure(
        "likelihood",
        "−log p(x|z)",
        "nats per image",
        None,
        "The reconstruction term of the negative ELBO.",
        "Kingma and Welling 2014, eq. 3",
    ),
    "kl": Measure(
        "likelihood",
        "KL",
        "nats per image",
        None,
        "The term KL(q(z|x) ‖ p(z)) of the negative ELBO.",
        "Kingma and Welling 2014, appendix B",
    ),
    "bpd": Measure(
        "likelihood",
        "−ELBO per dimension",
        "bits per dimension",
        "lower",
        "The negative ELBO over C·H·W·ln 2.",
        "the same ELBO",
    ),
    "iw1": Measure(
        "likelihood",
        "−log p(x), k = 1",
        "nats per image",
        "lower",
        "Negative importance-weighted bound with 1 sample: a noisy negative ELBO.",
        _BURDA,
    ),
    "iw100": Measure(
        "likelihood",
        "−log p(x), k = 100",
        "nats per image",
        "lower",
        "Negative importance-weighted bound, −log (1/k) Σ p(x, z)/q(z|x), with 100 samples.",
        _BURDA,
    ),
    "iw5000": Measure(
        "likelihood",
        "−log p(x), k = 5000",
        "nats per image",
        "lower",
        "Negative importance-weighted bound with 5,000 samples: near the negative log-likelihood.",
        _BURDA,
    ),
    "active_units": Measure(
        "likelihood",
        "Active units",
        "latent dimensions",
        None,
        "Dimensions whose posterior mean has a variance above 0.01 over held-out images; the vector holds the mean "
        "KL of each dimension in nats.",
        _BURDA,
    ),
    "probe": Measure(
        "latent",
        "Linear probe",
        "accuracy",
        "higher",
        "Held-out accuracy of a logistic regression from codes to classes, fitted to training codes.",
        "Alain and Bengio 2017; scikit-learn",
    ),
    "knn": Measure(
        "latent",
        "k nearest neighbours",
        "accuracy",
        "higher",
        "Held-out accuracy of a vote of the 15 nearest training codes.",
        "scikit-learn",
    ),
    "silhouette": Measure(
        "latent",
        "Silhouette",
        "−1 to 1",
        "higher",
        "How much nearer a held-out code lies to its own class than to the next, without training.",
        "Rousseeuw 1987; scikit-learn",
    ),
    "mmd": Measure(
        "latent",
        "MMD to the prior",
        "squared MMD",
        "lower",
        "Unbiased squared maximum mean discrepancy of held-out codes, z ~ q(z|x), and codes as `sample` has them, "
        "both in units of the latter's standard deviation.",
        "Gretton et al. 2012; kernel of Tolstikhin et al. 2018",
    ),
    "sliced_wasserstein": Measure(
        "latent",
        "Sliced Wasserstein to the prior",
        "standard deviations",
        "lower",
        "Sliced Wasserstein distance of the same two sets of codes.",
        "Bonneel et al. 2015",
    ),
    "evenness": Measure(
        "latent",
        "Interpolation unevenness",
        "ratio, 1 is even",
        "lower",
        "Longest step over mean step, in RMS pixel distance, along decoded images on the model's path between "
        "the codes of two held-out images.",
        "own; idea of Karras et al. 2019, path length",
    ),
    "fd": Measure(
        "generation",
        "FD",
        "Frechet distance",
        "lower",
        "Frechet distance of Gaussians fitted to the features of samples and of real images.",
        "Heusel et al. 2017; the features are named in the title",
    ),
    "kid": Measure(
        "generation",
        "KID",
        "squared MMD",
        "lower",
        "Unbiased squared MMD of the same features with a cubic polynomial kernel.",
        "Binkowski et al. 2018",
    ),
    "precision": Measure(
        "generation",
        "Precision",
        "share of samples",
        "higher",
        "Samples that lie among real images: within the 5-nearest-neighbour ball of one.",
        "Kynkäänniemi et al. 2019",
    ),
    "recall": Measure(
        "generation",
        "Recall",
        "share of real images",
        "higher",
        "Real images that lie within the 5-nearest-neighbour ball of a sample.",
        "Kynkäänniemi et al. 2019",
    ),
    "density": Measure(
        "generation",
        "Density",
        "ratio, 1 is as real",
        "higher",
        "How many real images' 5-nearest-neighbour balls hold a sample, over 5.",
        "Naeem et al. 2020",
    ),
    "coverage": Measure(
        "generation",
        "Coverage",
        "share of real images",
        "higher",
        "Real images whose 5-nearest-neighbour ball holds a sample.",
        "Naeem et al. 2020",
    ),
    "nearest_train": Measure(
        "generation",
        "Distance to training images",
        "ratio to held-out",
        None,
        "Median RMS pixel distance of samples to their nearest training image, over that of held-out images; far "
        "below 1 the model repeats its training images.",
        "own",
    ),
    "diversity": Measure(
        "generation",
        "Diversity",
        "ratio to real",
        None,
        "Mean distance between two samples over that between two real images, in features; 0 is one picture.",
        "own",
    ),
}

CONDITIONS: Mapping[str, str] = {
    "last": "last weights",
    "grey": "grey values",
    "static": "static binarisation",
    "dynamic": "dynamic binarisation",
    "gaussian": "fitted Gaussian",
    "mixture": "fitted mixture",
}
