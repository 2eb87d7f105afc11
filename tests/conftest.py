"""What every test may rely on: no test touches the user's home, and the real data is there or the test skips."""

import os
from collections.abc import Iterator
from pathlib import Path

import hypothesis
import pytest

# Before torch is imported: several workers with several threads each on the same cores wait for one another.
os.environ.setdefault("OMP_NUM_THREADS", "1")
os.environ.setdefault("OMP_WAIT_POLICY", "passive")
os.environ.setdefault("GOMP_SPINCOUNT", "0")
os.environ.setdefault("CUBLAS_WORKSPACE_CONFIG", ":4096:8")  # cuBLAS asks once, at the first product of the process
hypothesis.settings.register_profile("untimed", deadline=None)  # a busy machine fails no test
hypothesis.settings.load_profile("untimed")


@pytest.fixture(scope="session", autouse=True)
def own_data_dir(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """Datasets and caches of the test session, instead of the user's."""
    folder = tmp_path_factory.mktemp("genbench")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("GENBENCH_DATA_DIR", str(folder / "data"))
        patch.setattr("workbench.data.catalogue.user_cache", lambda: folder / "cache")
        yield folder / "data"


@pytest.fixture(autouse=True)
def own_choices(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> None:
    """What the workbench remembers, of this test alone; and a terminal that says what it can."""
    monkeypatch.setenv("GENBENCH_CONFIG_DIR", str(tmp_path_factory.mktemp("choices")))
    for name in ("NO_COLOR", "COLORFGBG", "TEXTUAL_THEME"):
        monkeypatch.delenv(name, raising=False)


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """The folder with the real MNIST and a real folder of pictures, beside the checkout."""
    folder = Path(__file__).resolve().parents[2] / "shared" / "data"
    if not folder.is_dir():
        pytest.skip(f"the real datasets are not at {folder}")
    return folder
