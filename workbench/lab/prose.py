"""A paragraph for each model, made of what was measured: every sentence is chosen by numbers and holds them."""

from collections.abc import Iterator, Mapping

from workbench.comparison import cell_text
from workbench.runs.evaluations import Evaluation, Measured, best

_UNUSED_KL = 0.05  # nats, below which a dimension says nothing
_COPYING, _APART = 0.6, 0.9  # of the usual distance to the nearest training image
_NEAR_PRIOR = 0.3  # standard deviations


def autoencoder(ae: Evaluation, vae: Evaluation | None) -> str:
    """What the autoencoder turned out to be, beside the VAE where there is one."""
    return " ".join(
        [
            *_reconstruction("The autoencoder", ae, "the VAE", vae),
            *_classes("Its codes", ae),
            *_prior(ae, "the Gaussian fitted to them"),
            *_samplers(ae),
            *_samples("Its samples", ae),
        ]
    )


def variational(vae: Evaluation, ae: Evaluation | None) -> str:
    """What the VAE turned out to be, beside the autoencoder where there is one."""
    return " ".join(
        [
            *_reconstruction("The VAE", vae, "the autoencoder", ae),
            *_units(vae),
            *_bound(vae),
            *_classes("Its codes", vae),
            *_prior(vae, "N(0, I)"),
            *_samplers(vae),
            *_samples("Its samples", vae),
            *_generation_beside(vae, ae),
        ]
    )


def adversarial(gan: Evaluation, metrics: Mapping[str, float | None]) -> str:
    """What the GAN turned out to be; `metrics` are those of its state, `train_...` over the last epoch."""
    return " ".join([*_balance(metrics), *_samples("Its samples", gan)])


def _known(evaluation: Evaluation | None, key: str) -> Measured | None:
    """A number that was measured, or None."""
    if evaluation is None:
        return None
    return next((one for one in evaluation.measured if one.key == key and one.value is not None), None)


def _reconstruction(who: str, mine: Evaluation, whom: str, other: Evaluation | None) -> Iterator[str]:
    ours, theirs = _known(mine, "mse"), _known(other, "mse")
    if ours is None:
        return
    similar = _known(mine, "ssim")
    also = f", with an SSIM of {cell_text(similar)}" if similar else ""
    yield f"{who} reconstructs held-out images with a squared error of {cell_text(ours)} per pixel{also}."
    if theirs is None or not (ours.value and theirs.value):
        return
    ahead = best([ours, theirs])
    ratio = max(ours.value, theirs.value) / min(ours.value, theirs.value)
    if ahead is None:
        yield f"Its error and that of {whom} ({cell_text(theirs)}) differ by less than their intervals."
    elif ahead == 0:
        yield f"That is more faithful than {whom}, whose error is {ratio:.2f} times as large."
    else:
        yield f"That is less faithful than {whom}: its error is {ratio:.2f} times as large."


def _classes(what: str, mine: Evaluation) -> Iterator[str]:
    probe, silhouette = _known(mine, "probe"), _known(mine, "silhouette")
    if probe is not None:
        yield f"{what} tell the classes to a linear classifier with an accuracy of {cell_text(probe)}."
    if silhouette is not None and silhouette.value is not None:
        if silhouette.low is not None and silhouette.low <= 0:
            yield f"Unaided, classes form no clusters in them: the silhouette is {cell_text(silhouette)}."
        elif silhouette.value < 0.25:
            yield f"Unaided, classes overlap in them: the silhouette is {cell_text(silhouette)}."
        else:
            yield f"Even unaided, classes form clusters in them: the silhouette is {cell_text(silhouette)}."


def _prior(mine: Evaluation, prior: str) -> Iterator[str]:
    distance = _known(mine, "sliced_wasserstein")
    if distance is None or distance.value is None:
        return
    words = "lie where it has them" if distance.value < _NEAR_PRIOR else "do not lie where it has them"
    yield (
        f"Samples are drawn from {prior}, and the codes of held-out images {words}: a sliced Wasserstein distance "
        f"of {cell_text(distance)} standard deviations."
    )


def _samplers(mine: Evaluation) -> Iterator[str]:
    own, mixture = _known(mine, "fd"), _known(mine, "fd@mixture")
    if own is None or mixture is None:
        return
    ahead = best([own, mixture])
    texts = f"{own.title} {cell_text(mixture)} against {cell_text(own)}"
    if ahead is None:
        yield f"Drawing codes from a fitted mixture instead makes no difference that could be told ({texts})."
    elif ahead == 1:
        yield f"Drawing codes from a fitted mixture instead makes better samples ({texts})."
    else:
        yield f"Drawing codes from a fitted mixture instead makes worse samples ({texts})."


def _samples(what: str, mine: Evaluation) -> Iterator[str]:
    distance, precision = _known(mine, "fd"), _known(mine, "precision")
    coverage, nearest = _known(mine, "coverage"), _known(mine, "nearest_train")
    if distance is not None:
        yield f"{what} are at {distance.title} {cell_text(distance)} from real images."
    if precision is not None and coverage is not None:
        p, c = precision.value or 0.0, coverage.value or 0.0
        words = (
            "real-looking and varied" if min(p, c) > 0.6
            else "real-looking, but not varied" if p > 0.6
            else "varied, but often unlike real ones" if c > 0.6
            else "often unlike real ones, and far from all their kinds"
        )  # fmt: skip
        yield f"They are {words}: precision {cell_text(precision)}, coverage {cell_text(coverage)}."
    if nearest is not None and nearest.value is not None:
        where = f"{cell_text(nearest)} of the usual distance"
        if nearest.value < _COPYING:
            yield f"They come suspiciously near to training images ({where}): look for copies."
        elif nearest.value < _APART:
            yield f"They lie nearer to training images than held-out images do ({where}), as smooth pictures may."
        else:
            yield f"They are no copies: training images are as far from them as from held-out images ({where})."


def _units(vae: Evaluation) -> Iterator[str]:
    units = _known(vae, "active_units")
    if units is None or units.value is None or not units.vector:
        return
    total, unused = len(units.vector), sum(kl < _UNUSED_KL for kl in units.vector)
    if units.value == 0:
        yield f"Its posterior has collapsed: none of {total} latent dimensions says anything of the image."
    elif unused == 0 and units.value >= total:
        yield f"All {total} latent dimensions are in use; the least of them carries {min(units.vector):.2f} nats."
    else:
        yield f"{units.value:.0f} of {total} latent dimensions are active; {unused} carry under {_UNUSED_KL} nats."


def _bound(vae: Evaluation) -> Iterator[str]:
    loss, kl = _known(vae, "elbo@grey"), _known(vae, "kl@grey")
    if loss is not None and kl is not None and loss.value and kl.value is not None:
        share = kl.value / loss.value
        yield f"Its loss is {cell_text(loss)} nats per image, of which KL makes {share:.0%} ({cell_text(kl)})."
    binary = next((one for k in (5000, 100) if (one := _known(vae, f"iw{k}@dynamic"))), None)
    if binary is not None:
        k = binary.protocol.get("samples")
        yield f"On images binarised by sampling, −log p(x) is at most {cell_text(binary)} nats (k = {k})."


def _generation_beside(vae: Evaluation, ae: Evaluation | None) -> Iterator[str]:
    ours, theirs = _known(vae, "fd"), _known(ae, "fd")
    if ours is None or theirs is None:
        return
    ahead = best([ours, theirs])
    if ahead is None:
        yield f"Beside the autoencoder's samples ({cell_text(theirs)}) no difference can be told."
    elif ahead == 0:
        yield f"They are better than those of the autoencoder ({cell_text(theirs)})."
    else:
        yield f"They are worse than those of the autoencoder ({cell_text(theirs)})."


def _balance(metrics: Mapping[str, float | None]) -> Iterator[str]:
    d_loss, g_loss = metrics.get("train_d_loss"), metrics.get("train_g_loss")
    if d_loss is None or g_loss is None:
        return
    losses = f"over the last epoch its loss is {d_loss:.2f} nats and the generator's {g_loss:.2f}"
    if d_loss < 0.2:
        yield f"The discriminator has nearly won: {losses}."
    elif d_loss > 1.3:
        yield f"The discriminator is close to guessing: {losses}."
    else:
        yield f"The discriminator is ahead, but not out of reach: {losses}."
    spread = metrics.get("train_spread")
    if spread is not None:
        words = "The generator draws few different pictures" if spread < 0.5 else "Its pictures vary"
        yield f"{words}: two samples are {spread:.2f} times as far apart as two real images."
