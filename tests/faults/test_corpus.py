"""What fuzzing found stays found: each input kept is answered or refused (`benchmarks/fuzz.py`)."""

import importlib
from pathlib import Path

import pytest

CORPUS = Path(__file__).parent / "corpus"
INPUTS = sorted(path for path in CORPUS.rglob("*") if path.is_file())


@pytest.mark.parametrize("path", INPUTS, ids=lambda path: f"{path.parent.name}/{path.name}")
def test_an_input_of_the_fuzzer_is_answered(path: Path, tmp_path: Path) -> None:
    fuzz = importlib.import_module("benchmarks.fuzz")
    fuzz.TARGETS[path.parent.name](path.read_bytes(), tmp_path)


def test_the_corpus_is_small_and_has_each_file_of_a_run() -> None:
    fuzz = importlib.import_module("benchmarks.fuzz")
    assert sum(path.stat().st_size for path in INPUTS) < 50_000
    first = {path.read_bytes()[0] for path in INPUTS if path.parent.name == "runs"}
    assert first == set(range(len(fuzz.FILES)))
    assert {path.parent.name for path in INPUTS} == set(fuzz.TARGETS)
