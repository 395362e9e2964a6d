"""How well the command learns: medians over seeds, by the path that the command takes."""

from __future__ import annotations

from statistics import median
from typing import NamedTuple

import pytest
from deeper import one_in

from tinygrad_bp.cli.console import Console
from tinygrad_bp.cli.fitting import fit
from tinygrad_bp.cli.training_options import SAMPLES
from tinygrad_bp.data import generate, penguins


class Bar(NamedTuple):
    accuracy: float
    log_loss: float | None


BARS = {
    "penguins": Bar(0.95, 0.12),
    "moons": Bar(0.94, None),
    "circles": Bar(0.97, None),
    "xor": Bar(0.97, None),
}
WORST = 0.85  # no seed may fall below


def heldout_scores(name: str, seed: int):
    console = Console()
    console.quiet = True
    table = penguins() if name == "penguins" else generate(name, SAMPLES, seed)
    return fit(table, {}, seed, console).network.heldout


def check(name: str, seeds: range) -> None:
    scores = [heldout_scores(name, seed) for seed in seeds]
    assert median(score.quality for score in scores) >= BARS[name].accuracy
    assert min(score.quality for score in scores) >= WORST
    if BARS[name].log_loss is not None:
        assert median(score.loss for score in scores) <= BARS[name].log_loss


@pytest.mark.parametrize("name", one_in(3, BARS))
def test_held_out_scores(name):
    check(name, range(3))


@pytest.mark.deep
@pytest.mark.parametrize("name", BARS)
def test_held_out_scores_of_ten_seeds(name):
    check(name, range(10))


@pytest.mark.deep
@pytest.mark.parametrize("name", BARS)
def test_held_out_scores_of_a_hundred_other_seeds(name):
    check(name, range(1000, 1100))
