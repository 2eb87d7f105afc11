"""`--expect`: what counts as a bound, and how far off a run was."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.errors import InputError
from workbench.expectations import Expectation, parse

KNOWN = ["loss", "recon_mse", "kl"]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("recon_mse<=0.02", Expectation("recon_mse", "<=", 0.02)),
        (" loss >= 1e3 ", Expectation("loss", ">=", 1000.0)),
        ("kl<5", Expectation("kl", "<", 5.0)),
        ("kl > -.5", Expectation("kl", ">", -0.5)),
    ],
)
def test_what_is_an_expectation(text: str, expected: Expectation) -> None:
    assert parse([text], KNOWN) == [expected]


@pytest.mark.parametrize(
    "text",
    ["", "loss", "loss<=", "<=3", "loss=3", "loss==3", "loss<=x", "loss<=nan", "loss<inf", "loss<=1 2", "loss<<1",
     "3<loss<4", "loss=<3", "loss ≤ 3"],
)  # fmt: skip
def test_what_is_none(text: str) -> None:
    with pytest.raises(InputError, match=r"is no expectation; write a metric, <= < >= or >, and a number\."):
        parse([text], KNOWN)


def test_every_wrong_one_is_named_at_once() -> None:
    with pytest.raises(InputError) as caught:
        parse(["loss<1", "lossy<1", "kl~3"], KNOWN)
    first, second = str(caught.value).splitlines()
    assert (
        first
        == "--expect 'lossy<1': there is no metric 'lossy'. Did you mean 'loss'? Metrics: loss, recon_mse, kl."
    )
    assert second.startswith("--expect 'kl~3' is no expectation")


@given(st.sampled_from(["<=", ">=", "<", ">"]), st.floats(-1e6, 1e6), st.floats(-1e6, 1e6))
def test_a_failure_is_the_negation_of_the_comparison(comparison: str, bound: float, found: float) -> None:
    (expectation,) = parse([f"loss{comparison}{bound!r}"], KNOWN)
    met = {"<=": found <= bound, ">=": found >= bound, "<": found < bound, ">": found > bound}[comparison]
    failure = expectation.failure({"loss": found})
    assert (failure is None) == met
    if failure:
        assert failure.startswith(f"Expected loss {comparison} {bound:g}; it is {found:.6g}, off by ")
        assert float(failure.rsplit(" ", 1)[1].rstrip(".")) == pytest.approx(
            abs(found - bound), rel=0.01, abs=1e-300
        )


@pytest.mark.parametrize("value", [None, math.nan, math.inf])
def test_a_number_that_is_not_there_meets_nothing(value: float | None) -> None:
    for comparison in ("<=", ">="):
        failure = Expectation("kl", comparison, 1).failure({"kl": value})
        assert failure == f"Expected kl {comparison} 1; the run has no finite kl."
    assert Expectation("kl", "<", 1).failure({}) == "Expected kl < 1; the run has no finite kl."
