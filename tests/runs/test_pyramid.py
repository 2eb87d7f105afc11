"""Stretches of a long array, also where the last of them lie in a block that is not whole yet."""

from itertools import pairwise

import numpy as np
import pytest

from workbench.runs.pyramid import Pyramid


@pytest.mark.parametrize("length", [20_000, 20_033, 20_260])
@pytest.mark.parametrize("thin", [1, 3, 40])
def test_a_few_values_at_the_end_of_many(length: int, thin: int) -> None:
    values = np.random.default_rng(0).normal(size=length)
    pyramid = Pyramid(np.minimum, np.inf)
    pyramid.extend(values)
    cuts = np.concatenate(
        [np.linspace(0, length - thin, 60).astype(np.int64), np.arange(length - thin, length + 1)]
    )
    expected = [values[a:b].min() if a < b else np.inf for a, b in pairwise(cuts)]
    assert pyramid.over(cuts[:-1], cuts[1:]).tolist() == expected
