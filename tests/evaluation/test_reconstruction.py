"""How near a rebuilt image is: closed forms and scikit-image."""

import numpy as np
import pytest
import torch
from skimage.metrics import peak_signal_noise_ratio, structural_similarity
from torch import Tensor

from workbench.evaluation.reconstruction import PSNR_CAP, psnr, squared_error, ssim


def pair(channels: int, size: int, count: int = 3) -> tuple[Tensor, Tensor]:
    noise = torch.Generator().manual_seed(0)
    images = torch.rand(count, channels, size, size, generator=noise)
    return images, (images + 0.2 * torch.randn(images.shape, generator=noise)).clamp(0, 1)


def test_errors_by_hand() -> None:
    images = torch.zeros(2, 3, 8, 8)
    rebuilt = torch.stack([images[0] + 0.5, images[1]])
    assert squared_error(images, rebuilt).tolist() == [0.25, 0]
    assert psnr(images, rebuilt).tolist() == pytest.approx([20 * np.log10(2), PSNR_CAP])


def test_a_near_image_has_no_more_than_an_identical_one() -> None:
    images, _ = pair(1, 8)
    assert psnr(images, images).tolist() == [PSNR_CAP] * 3
    assert psnr(images, images + 1e-6).tolist() == [PSNR_CAP] * 3


@pytest.mark.parametrize(("channels", "size"), [(1, 8), (1, 28), (3, 12), (3, 32)])
def test_psnr_and_ssim_are_those_of_scikit_image(channels: int, size: int) -> None:
    images, rebuilt = pair(channels, size)
    signal, similar = psnr(images, rebuilt), ssim(images, rebuilt)
    for index, (first, second) in enumerate(zip(images.double().numpy(), rebuilt.double().numpy(), strict=True)):
        assert signal[index].item() == pytest.approx(peak_signal_noise_ratio(first, second, data_range=1.0))
        # scikit-image leaves 5 pixels at each edge out of its mean: give it the mirrored edges to leave out
        edged = [np.pad(one, [(0, 0), (5, 5), (5, 5)], mode="reflect") for one in (first, second)]
        reference = structural_similarity(
            *edged, data_range=1.0, channel_axis=0, gaussian_weights=True, sigma=1.5, use_sample_covariance=False
        )
        assert similar[index].item() == pytest.approx(reference, abs=1e-5)


def test_ssim_of_identical_images_is_one_and_batches_change_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    images, rebuilt = pair(1, 8, 7)
    assert ssim(images, images).tolist() == pytest.approx([1] * 7)
    whole = ssim(images, rebuilt)
    monkeypatch.setattr("workbench.evaluation.reconstruction._AT_ONCE", 3 * 64)
    torch.testing.assert_close(ssim(images, rebuilt), whole)
