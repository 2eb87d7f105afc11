"""How near a rebuilt image is to its original: one number for each image, on the scale [0, 1] of intensities.

Images lie anywhere, both on one device; results are float64 in the processor's memory.
"""

import torch
from torch import Tensor

PSNR_CAP = 100.0  # dB, given to images that are nearer than a squared error of 1e-10, identical ones among them
SSIM_SIGMA = 1.5  # pixels; torchmetrics cuts this Gaussian to 11 x 11
SSIM_WINDOW = "Gaussian, sigma 1.5 pixels, 11 x 11, at every pixel, edges mirrored"
_AT_ONCE = 1 << 21  # numbers of the images that are compared at a time


def squared_error(images: Tensor, rebuilt: Tensor) -> Tensor:
    """Mean squared difference per pixel and channel: (N, C, H, W), (N, C, H, W) -> (N,) float64."""
    return (images.cpu().double() - rebuilt.cpu().double()).square().flatten(1).mean(dim=1)


def psnr(images: Tensor, rebuilt: Tensor) -> Tensor:
    """Peak signal-to-noise ratio in dB, data range 1, at most `PSNR_CAP`: (N, C, H, W) twice -> (N,) float64."""
    from torchmetrics.functional.image import peak_signal_noise_ratio

    found: Tensor = peak_signal_noise_ratio(
        rebuilt.cpu().double(), images.cpu().double(), data_range=1.0, dim=(1, 2, 3), reduction="none"
    )
    return found.clamp(max=PSNR_CAP)


def ssim(images: Tensor, rebuilt: Tensor) -> Tensor:
    """Structural similarity (Wang et al. 2004) by torchmetrics: (N, C, H, W) twice -> (N,) float64, 1 if identical.

    K1 = 0.01, K2 = 0.03, data range 1, `SSIM_WINDOW`; the mean over all pixels and channels. The usual mean over
    those pixels alone around which the window lies inside the image has no pixel left in one of 8 x 8.
    In float32, a tenth of the time of float64: 1e-6 off, where both images are bright and nearly flat up to 3e-4.
    """
    from torchmetrics.functional.image import structural_similarity_index_measure

    step = max(1, _AT_ONCE // images[0].numel()) if len(images) else 1
    found = []
    for first, second in zip(images.split(step), rebuilt.split(step), strict=True):
        # the map, not the library's mean, which leaves out the edges in some of its versions
        _, similar = structural_similarity_index_measure(
            second.float(),
            first.float(),
            sigma=SSIM_SIGMA,
            data_range=1.0,
            reduction="none",
            return_full_image=True,
        )
        found.append(similar.flatten(1).mean(dim=1).cpu().double())
    return torch.cat(found) if found else torch.empty(0, dtype=torch.float64)
