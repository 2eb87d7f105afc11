"""What all tests of the screens do without: real images, which import torch, and a look for runs that comes later.

The form's preview shows stripes instead.
"""

from typing import Any

import numpy as np
import pytest

from workbench.ui.new.preview import Preview, Wanted


@pytest.fixture(autouse=True)
def stripes(monkeypatch: pytest.MonkeyPatch) -> list[Wanted]:
    """What was wished to be seen, in order."""
    wished: list[Wanted] = []

    def read(wanted: Wanted, progress: Any) -> Preview:
        wished.append(wanted)
        size = wanted.image_size or 28
        images = np.zeros((12, 1, size, size), np.uint8)
        images[:, :, :, :: size // 4] = 255
        return Preview(wanted.dataset, images, 1617, 180, tuple("0123456789"), 0.0, 1.0, 0.25)

    monkeypatch.setattr("workbench.ui.new.preview.read", read)
    monkeypatch.setattr("workbench.ui.new.view.PREVIEW_DELAY", 0.01)
    monkeypatch.setattr("workbench.ui.new.view.POLL_SECONDS", 0.02)
    return wished


@pytest.fixture(autouse=True)
def nothing_looked_for(monkeypatch: pytest.MonkeyPatch) -> None:
    """What the line above says of other runs would depend on how long a test takes."""
    monkeypatch.setattr("workbench.ui.app.WARM_SECONDS", 3600.0)
