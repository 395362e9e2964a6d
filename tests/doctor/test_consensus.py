"""Which ratio of step and gradient is the rate, where parameters are single numbers."""

from __future__ import annotations

import pytest

from tinygrad_bp.doctor.learning.gradients import consensus


@pytest.mark.parametrize(
    ("ratios", "rate", "many"),
    [
        ([0.5], 0.5, 1),
        ([0.1, 0.3, 0.9], 0.3, 1),
        ([2.0, 0.5, 0.501, 7.0, 0.499, 2.1], 0.5, 3),
        ([4.0, 4.0, 4.0, 0.5, 0.5, 0.5, 0.5], 0.5, 4),
    ],
)
def test_the_ratio_that_most_agree_on(ratios: list[float], rate: float, many: int) -> None:
    found, count = consensus(ratios)
    assert found == pytest.approx(rate, rel=0.01)
    assert count == many
