"""Seven faults of the hand-written training loop, measured: the tables of why-it-does-not-learn.md.

Plain NumPy: a 2-5-5-1 sigmoid network with binary cross entropy, trained by full-batch gradient
descent.  Samples are rows.  Every array carries two axes in front, (data set, seed), so that one
run trains twenty networks; the formulas are those of one network.

    python docs/examples/why_it_does_not_learn.py           print the tables as Markdown
    python docs/examples/why_it_does_not_learn.py --write   put them into the page
"""

from __future__ import annotations

import argparse
import math
import operator
import re
import textwrap
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]
Faults = frozenset[int]

PAGE = Path(__file__).parents[1] / "why-it-does-not-learn.md"
DATA_SETS = ("separable", "XOR")
SIZES = (2, 5, 5, 1)
SEEDS = 10
SAMPLES = 60  # of one network's training set, and as many fresh ones
MARGIN = 0.1  # no sample lies nearer to the true boundary, so that 100 % can be reached
EPOCHS = 1000
RATE = 2.0
LEARNED = 0.95  # "epochs" counts until this training accuracy
SOLVED = 0.80  # a seed counts as solved above this accuracy on fresh data
# Fault 3 makes the training chaotic: which of these accuracies, and how large a loss, is decided by
# the last bit of a rounding, and so by the machine.  The page says no more than can be repeated.
CHANCE = (0.40, 0.60)
CAP = 2.0

FAULTS = {
    1: "rate `1/epoch`",
    2: "bias gradient not summed",
    3: "gradient summed, not averaged",
    4: "weights from `rand`",
    5: "`y/p` and `log(p)` as written",
    6: "`epoch % 100 is 0`",
    7: "`(target - out) * out * (1 - out)`",
}


def sigmoid(z: Array) -> Array:
    return 1 / (1 + np.exp(-z))


def samples() -> tuple[Array, Array, Array, Array]:
    """Draw X (2, SEEDS, SAMPLES, 2) and y (2, SEEDS, SAMPLES, 1), for training and fresh."""
    X, y = np.empty((2, SEEDS, 2 * SAMPLES, 2)), np.empty((2, SEEDS, 2 * SAMPLES, 1))
    across = np.array([2.0, 1.0]) / math.sqrt(5)  # the separable set's boundary is 2·x1 + x2 = 0
    for seed in range(SEEDS):
        rng = np.random.default_rng([seed, 0])
        points = rng.uniform(-1, 1, (2 * SAMPLES, 2))
        side = np.sign(points @ across)[:, None]
        X[0, seed] = points + MARGIN * side * across
        y[0, seed] = side > 0
        signs = rng.choice((-1.0, 1.0), (2 * SAMPLES, 2))
        X[1, seed] = signs * rng.uniform(MARGIN, 1, (2 * SAMPLES, 2))
        y[1, seed] = signs.prod(axis=1, keepdims=True) < 0
    return (
        *(X[..., :SAMPLES, :], y[..., :SAMPLES, :]),
        *(X[..., SAMPLES:, :], y[..., SAMPLES:, :]),
    )


def initial_weights(faults: Faults, perturbation: float = 0.0) -> list[Array]:
    """Draw the matrices of every seed by Glorot & Bengio (2010), equation 12, unless fault 4."""
    weights = []
    for layer, (n_in, n_out) in enumerate(pairwise(SIZES), start=1):
        drawn = []
        for seed in range(SEEDS):
            rng = np.random.default_rng([seed, layer])
            if 4 in faults:
                W = rng.random((n_in, n_out))
            else:
                W = rng.normal(0, math.sqrt(2 / (n_in + n_out)), (n_in, n_out))
            drawn.append(W * (1 + perturbation * rng.standard_normal(W.shape)))
        weights.append(np.stack(drawn))
    return weights


def forward(X: Array, weights: list[Array], biases: list[Array]) -> list[Array]:
    """Return the activations of all layers, the input first and the probability last."""
    activations = [X]
    for W, b in zip(weights, biases, strict=True):
        activations.append(sigmoid(activations[-1] @ W + b))
    return activations


def output_error(p: Array, y: Array, faults: Faults) -> Array:
    """Return each sample's derivative in z3, before the mean over the batch."""
    if 7 in faults:
        return (p - y) * p * (1 - p)
    if 5 in faults:
        return -(y / p - (1 - y) / (1 - p)) * p * (1 - p)
    return p - y


def gradients(
    activations: list[Array], weights: list[Array], y: Array, faults: Faults
) -> list[tuple[Array, Array]]:
    """Return the gradients of each layer's weights and bias."""
    a0, a1, a2, p = activations
    d3 = output_error(p, y, faults)
    if 3 not in faults:
        d3 = d3 / SAMPLES
    d2 = d3 @ weights[2].mT * a2 * (1 - a2)
    d1 = d2 @ weights[1].mT * a1 * (1 - a1)
    pairs = ((a0, d1), (a1, d2), (a2, d3))
    return [(a.mT @ d, d if 2 in faults else d.sum(axis=-2, keepdims=True)) for a, d in pairs]


def cross_entropy(p: Array, y: Array, faults: Faults) -> Array:
    """Return the loss of each network, with the logarithms as written or kept above log(0)."""
    if 5 not in faults:
        p = np.clip(p, 1e-300, 1 - 2**-53)
    losses = -(y * np.log(p) + (1 - y) * np.log(1 - p))
    return np.asarray(losses.mean(axis=(-2, -1)))


def accuracy(p: Array, y: Array) -> Array:
    """Return each network's share of right answers; NaN if any answer is NaN."""
    right = np.where(np.isnan(p), np.nan, (p > 0.5) == y)
    return np.asarray(right.mean(axis=(-2, -1)))


@dataclass(frozen=True)
class Outcome:
    """What one loop reached; each array has the shape (data set, seed)."""

    train: Array
    fresh: Array
    epochs: Array  # the first with LEARNED accuracy on the training samples; inf if none
    loss: Array  # as last reported by the loop
    fresh_loss: Array
    slope: Array  # median of a2·(1 - a2), through which the layers below are reached


def train(faults: Iterable[int], rate: float, perturbation: float) -> Outcome:
    """Train every network with the given faults in the loop."""
    found = frozenset(faults)
    X, y, X_fresh, y_fresh = samples()
    weights = initial_weights(found, perturbation)
    biases = [np.zeros((1, n)) for n in SIZES[1:]]
    same = operator.is_ if 6 in found else operator.eq
    epochs, loss = np.full((2, SEEDS), np.inf), np.full((2, SEEDS), np.nan)

    with np.errstate(all="ignore"):  # overflow and 0/0 are among the findings
        for epoch in range(1, EPOCHS + 1):
            activations = forward(X, weights, biases)
            p = activations[-1]
            epochs[np.isinf(epochs) & (accuracy(p, y) >= LEARNED)] = epoch
            if same(epoch % 100, 0):
                loss = cross_entropy(p, y, found)

            step = 1 / epoch if 1 in found else rate
            for k, (dW, db) in enumerate(gradients(activations, weights, y, found)):
                weights[k] = weights[k] - step * dW
                biases[k] = biases[k] - step * db  # becomes (SAMPLES, n) with fault 2

        p, p_fresh = forward(X, weights, biases)[-1], forward(X_fresh, weights, biases)[-1]
        fresh_loss = cross_entropy(p_fresh, y_fresh, found)
    a2 = activations[2]
    slope = np.median(a2 * (1 - a2), axis=(-2, -1))
    return Outcome(accuracy(p, y), accuracy(p_fresh, y_fresh), epochs, loss, fresh_loss, slope)


class Experiment:
    """The runs of the page, each done once."""

    def __init__(self, perturbation: float) -> None:
        self.perturbation = perturbation
        self.done: dict[tuple[Faults, float], Outcome] = {}

    def run(self, faults: Iterable[int] = (), rate: float = RATE) -> Outcome:
        key = frozenset(faults), rate
        if key not in self.done:
            self.done[key] = train(*key, self.perturbation)
        return self.done[key]

    def alone(self) -> dict[str, str]:
        """Put each fault into a loop that is right otherwise."""
        faulty = {f"{k}: {words}": self.run({k}) for k, words in FAULTS.items()}
        return both("alone", {"none": self.run(), **faulty})

    def added(self) -> dict[str, str]:
        """Put in one fault after another."""
        faulty = {f"1 to {k}": self.run(range(1, k + 1)) for k in range(2, len(FAULTS) + 1)}
        return both("added", {"none": self.run(), "1": self.run({1}), **faulty})

    def mended(self) -> dict[str, str]:
        """Mend one fault after another in a loop that has all but the last."""
        faulty = {f"{k} to 6": self.run(range(k, 7)) for k in range(1, 6)}
        return both("mended", {**faulty, "6": self.run({6}), "none": self.run()})

    def summed(self) -> dict[str, str]:
        """Compare the sum over the batch with the mean."""
        rows = {
            f"mean, rate {RATE:g}": self.run(),
            f"sum, rate {RATE:g}/{SAMPLES}": self.run({3}, RATE / SAMPLES),
            f"sum, rate {RATE:g}": self.run({3}),
            "sum, rate `1/epoch`": self.run({1, 3}),
        }
        head = ["", *(f"{name}: {what}" for name in DATA_SETS for what in ("fresh", "slope"))]
        cells = (
            [
                label,
                *(cell for k in (0, 1) for cell in (percent(one.fresh[k]), decimal(one.slope[k]))),
            ]
            for label, one in rows.items()
        )
        return {"summed": table(head, cells)}


def both(name: str, outcomes: Mapping[str, Outcome]) -> dict[str, str]:
    """Return a table of medians over the seeds for each data set."""
    tables = {}
    for k, data_set in enumerate(DATA_SETS):
        head = [data_set, "train", "fresh", "solved", "epochs", "train loss", "fresh loss"]
        rows = []
        for label, one in outcomes.items():
            solved = f"{np.sum(one.fresh[k] > SOLVED)} of {SEEDS}"
            epochs = median(one.epochs[k])
            reached = f"{epochs:.0f}" if math.isfinite(epochs) else "–"
            losses = capped(one.loss[k]), capped(one.fresh_loss[k])
            shares = percent(one.train[k]), percent(one.fresh[k])
            rows.append([label, *shares, solved, reached, *losses])
        tables[f"{name}-{data_set.lower()}"] = table(head, rows)
    return tables


def median(values: Array | float) -> float:
    """Return the median of the seeds; NaN sorts last, so that it takes half of them to give NaN."""
    ranked = np.sort(np.ravel(values))
    return float((ranked[(len(ranked) - 1) // 2] + ranked[len(ranked) // 2]) / 2)


def decimal(values: Array | float) -> str:
    middle = median(values)
    return "NaN" if math.isnan(middle) else f"{middle:.2f}"


def capped(losses: Array) -> str:
    return f"> {CAP:.0f}" if median(losses) > CAP else decimal(losses)


def percent(shares: Array) -> str:
    middle = -median(-shares)  # the worst last
    if math.isnan(middle):
        return "NaN"
    return "chance" if CHANCE[0] <= middle <= CHANCE[1] else f"{100 * middle:.0f} %"


def fill(text: str) -> str:
    return textwrap.fill(text, 100, break_on_hyphens=False)


def table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """Lay out a Markdown table, all columns but the first aligned right."""
    rule = ["---", *["---:"] * (len(head) - 1)]
    return "\n".join(f"| {' | '.join(row)} |" for row in (head, rule, *rows))


def setting() -> str:
    low, high = (f"{100 * share:.0f}" for share in CHANCE)
    return fill(
        f"{SEEDS} seeds, each with its own data and its own start; {SAMPLES} training samples and "
        f"{SAMPLES} fresh ones, all at least {MARGIN} away from the true boundary; {EPOCHS} epochs "
        f"of the full batch; the constant rate {RATE:g} except where fault 1 is in. Accuracies, "
        "epochs and losses are medians over the seeds. *Chance* stands for a median accuracy from "
        f"{low} to {high} %, NaN for NaN in half of the seeds or more. *Solved* counts the seeds "
        f"above {100 * SOLVED:.0f} % on fresh data. *Epochs* is the first epoch with "
        f"{100 * LEARNED:.0f} % of the training samples right (– if the median seed never gets "
        "there). *Train loss* is what the loop itself reports at its end; a network that always "
        f"answers ½ has the loss ln 2 = {math.log(2):.2f}."
    )


def rates() -> str:
    """Add up the rates 1/epoch."""
    rows = []
    for epochs in (100, EPOCHS, 10_000, 100_000):
        sums = np.cumsum(1 / np.arange(1, epochs + 1))
        half = int(np.searchsorted(sums, sums[-1] / 2)) + 1
        rows.append([f"{epochs}", f"{sums[-1]:.2f}", f"{half}"])
    head = ["epochs", "sum of all rates", "half of it is spent by epoch"]
    total = math.fsum(1 / epoch for epoch in range(1, EPOCHS + 1))
    goal = RATE * EPOCHS  # 1 + 1/2 + … + 1/n = ln(n) + γ + O(1/n), so that n = exp(goal - γ)
    power = (goal - np.euler_gamma) / math.log(10)
    sentence = (
        f"The constant rate {RATE:g} has spent the {total:.2f} of {EPOCHS} epochs after "
        f"{math.ceil(total / RATE)}. To add up to what it spends in {EPOCHS}, `1/epoch` would need "
        f"about 10^{power:.0f} epochs."
    )
    return f"{table(head, rows)}\n\n{fill(sentence)}"


def generated(perturbation: float = 0.0) -> dict[str, str]:
    """Return every generated block of the page by its name.

    Parameters
    ----------
    perturbation : float, default 0
        Relative size of a random change of every initial weight.  A change of the size of rounding
        errors must leave the text as it is: then it is the same on every machine.
    """
    runs = Experiment(perturbation)
    return {
        "setting": setting(),
        "rates": rates(),
        **runs.alone(),
        **runs.summed(),
        **runs.added(),
        **runs.mended(),
    }


def fenced(name: str, body: str) -> str:
    """Put a block between its markers, as it stands in the page."""
    return f"<!-- generated: {name} -->\n{body}\n<!-- end -->"


def rewrite(page: str, blocks: Mapping[str, str]) -> str:
    """Return the page with its generated blocks replaced.

    Raises
    ------
    ValueError
        If the page and `blocks` do not have exactly the same names, each once.
    """
    pattern = re.compile(r"<!-- generated: ([\w-]+) -->\n.*?\n<!-- end -->", flags=re.DOTALL)
    names = pattern.findall(page)
    if sorted(names) != sorted(blocks):
        raise ValueError(f"{PAGE.name} has the blocks {sorted(names)}; expected {sorted(blocks)}")
    return pattern.sub(lambda match: fenced(match[1], blocks[match[1]]), page)


def main(arguments: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description="Measure the faults of the hand-written loop.")
    parser.add_argument("--write", action="store_true", help=f"rewrite the tables in {PAGE.name}")
    options = parser.parse_args(arguments)
    blocks = generated()
    if options.write:
        page = PAGE.read_text(encoding="utf-8")
        PAGE.write_text(rewrite(page, blocks), encoding="utf-8", newline="\n")
    else:
        print("\n\n".join(fenced(name, body) for name, body in blocks.items()))


if __name__ == "__main__":
    main()
