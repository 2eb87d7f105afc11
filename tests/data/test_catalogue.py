"""The list of sets is honest, quick to ask, and helpful when asked for what it does not have."""

import subprocess
import sys
from pathlib import Path

import pytest

from models.errors import InputError
from workbench.data.catalogue import CIFAR_FILES, DATASETS, IDX_FILES, data_dir, find, is_present, located


def fill(folder: Path, *names: str) -> Path:
    """Empty files with these names: the catalogue looks at names only."""
    folder.mkdir(parents=True, exist_ok=True)
    for name in names:
        (folder / name).touch()
    return folder


def test_the_catalogue_needs_neither_torch_nor_numpy() -> None:
    code = (
        "import sys, pathlib; from workbench.data import catalogue as c; c.find('mnist'); "
        "c.is_present(c.find('mnist'), c.data_dir(pathlib.Path('nowhere'))); "
        "print({'torch', 'numpy', 'torchvision', 'sklearn', 'PIL'} & set(sys.modules))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "set()"


@pytest.mark.parametrize("name", DATASETS)
def test_every_set_is_described(name: str) -> None:
    info = find(name)
    assert info.name == info.title == name
    assert info.summary.endswith(".")
    assert info.size % 4 == 0
    assert info.channels in (1, 3)


def test_a_misspelt_name_gets_the_nearest_and_the_list() -> None:
    with pytest.raises(InputError) as caught:
        find("fashon-mnist")
    assert str(caught.value) == (
        "There is no dataset 'fashon-mnist'. Did you mean 'fashion-mnist'? "
        "Datasets: digits, abstract, mnist, fashion-mnist, kmnist, cifar10, folder:PATH."
    )


def test_a_folder_given_as_a_name_gets_the_prefix(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=f"Did you mean 'folder:{tmp_path}'"):
        find(str(tmp_path))


@pytest.mark.parametrize(
    "name", ["folder:", "folder:/no/such/place", "folder:~no-such-user/x", "folder:" + 5000 * "x"]
)
def test_a_folder_that_is_not_there(name: str) -> None:
    with pytest.raises(InputError, match=r"There is no folder .* folder:PATH"):
        find(name)


def test_a_file_is_not_a_folder(tmp_path: Path) -> None:
    fill(tmp_path, "a.png")
    with pytest.raises(InputError, match=r"There is no folder .*a\.png"):
        find(f"folder:{tmp_path / 'a.png'}")


def test_a_folder_is_called_by_its_own_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    fill(tmp_path / "flowers")
    monkeypatch.chdir(tmp_path / "flowers")
    assert find(f"folder:{tmp_path}/flowers").title == "flowers"
    assert find("folder:.").title == "flowers"
    assert find("folder:.").name == f"folder:{tmp_path}/flowers"
    assert is_present(find("folder:."), tmp_path)


def test_the_argument_beats_the_environment_beats_the_cache(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GENBENCH_DATA_DIR", "/from/environment")
    assert data_dir(Path("~/mine")) == Path.home() / "mine"
    assert data_dir() == Path("/from/environment")
    monkeypatch.delenv("GENBENCH_DATA_DIR")
    assert data_dir().name == "data"
    assert data_dir().is_absolute()


@pytest.mark.parametrize("below", ["mnist", "MNIST/raw", "MNIST", "."])
@pytest.mark.parametrize("suffix", ["", ".gz"])
def test_usual_layouts_are_found(tmp_path: Path, below: str, suffix: str) -> None:
    mnist = find("mnist")
    assert not is_present(mnist, tmp_path)
    place = fill(tmp_path / below, *(stem + suffix for stem in IDX_FILES))
    assert located(mnist, tmp_path) == place
    next(place.iterdir()).unlink()
    assert not is_present(mnist, tmp_path)


def test_cifar10_is_found_unpacked_and_packed(tmp_path: Path) -> None:
    cifar = find("cifar10")
    fill(tmp_path / "a" / "cifar-10-batches-py", *CIFAR_FILES)
    fill(tmp_path / "b" / "cifar10", "cifar-10-python.tar.gz")
    fill(tmp_path / "c" / "cifar-10-batches-py", CIFAR_FILES[0])
    assert [is_present(cifar, tmp_path / name) for name in "abc"] == [True, True, False]


@pytest.mark.parametrize("folder", ["mnist", "MNIST", "MNIST/raw"])
def test_the_folder_of_another_set_of_the_family_is_not_taken_for_it(tmp_path: Path, folder: str) -> None:
    place = fill(tmp_path / folder, *IDX_FILES)
    assert is_present(find("mnist"), place)
    assert not is_present(find("fashion-mnist"), place)


def test_embedded_sets_are_always_there(tmp_path: Path) -> None:
    assert is_present(find("digits"), tmp_path / "none")
    assert is_present(find("abstract"), tmp_path / "none")
