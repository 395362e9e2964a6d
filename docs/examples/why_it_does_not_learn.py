"""Seven faults of the hand-written training loop, measured.

Plain NumPy: a 2-5-5-1 sigmoid network with binary cross entropy, trained by full-batch gradient
descent. Every array carries two leading axes, (data set, seed), so that one run trains twenty
networks; the formulas are those of one network.

    python docs/examples/why_it_does_not_learn.py           print the page's tables as Markdown
    python docs/examples/why_it_does_not_learn.py --write   put them into the page
"""

from __future__ import annotations

import argparse
import math
import re
import warnings
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from textwrap import fill as wrapped

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]

PAGE = Path(__file__).parents[1] / "why-it-does-not-learn.md"
DATA_SETS = ("Separable", "XOR")
SIZES = (2, 5, 5, 1)
SEEDS = 10
SAMPLES = 100  # training samples of one network, and as many fresh ones
MARGIN = 0.1  # no sample lies nearer to the true boundary, so that 100 % can be reached
EPOCHS = 3000
RATE = 1.0
LEARNED = 0.95  # "epochs" counts until this training accuracy
SOLVED = 0.80  # a seed counts as solved above this accuracy on fresh data
CHANCE = (0.40, 0.60)  # medians between these are printed as "chance"
CAP = 2.0  # larger losses are printed as "> 2": how large depends on the machine's rounding

FAULTS = {
    1: "rate `1/epoch`",
    2: "bias gradient not summed over the batch",
    3: "gradient summed, not averaged",
    4: "weights from `rand`",
    5: "`y/p` and `log(p)` as written",
    6: "`epoch % 100 is 0`",
    7: "`(target - out) * out * (1 - out)`",
}


def sigmoid(z: Array) -> Array:
    """Give the logistic function as everybody writes it."""
    return 1 / (1 + np.exp(-z))


def samples() -> tuple[Array, Array, Array, Array]:
    """Draw X (2, SEEDS, SAMPLES, 2) and y (2, SEEDS, SAMPLES, 1), training and fresh."""
    points, labels = np.empty((2, SEEDS, 2 * SAMPLES, 2)), np.empty((2, SEEDS, 2 * SAMPLES, 1))
    across = np.array([2.0, 1.0]) / math.sqrt(5)  # the separable set's boundary is 2·x1 + x2 = 0
    for seed in range(SEEDS):
        rng = np.random.default_rng([seed, 0])
        flat = rng.uniform(-1, 1, (2 * SAMPLES, 2))
        side = np.where(flat @ across > 0, 1.0, -1.0)
        points[0, seed] = flat + MARGIN * side[:, None] * across
        labels[0, seed] = side[:, None] > 0
        signs = rng.choice((-1.0, 1.0), (2 * SAMPLES, 2))
        points[1, seed] = signs * rng.uniform(MARGIN, 1, (2 * SAMPLES, 2))
        labels[1, seed] = signs.prod(axis=1, keepdims=True) < 0
    train, fresh = slice(None, SAMPLES), slice(SAMPLES, None)
    return (
        *(points[..., train, :], labels[..., train, :]),
        *(points[..., fresh, :], labels[..., fresh, :]),
    )


def initial_weights(faults: frozenset[int]) -> list[Array]:
    """Draw the three weight matrices of every seed; Glorot & Bengio (2010), unless fault 4."""
    weights = []
    for layer, (n_in, n_out) in enumerate(pairwise(SIZES)):
        draws = []
        for seed in range(SEEDS):
            rng = np.random.default_rng([seed, 1 + layer])
            if 4 in faults:
                draws.append(rng.random((n_in, n_out)))
            else:
                draws.append(rng.normal(0, math.sqrt(2 / (n_in + n_out)), (n_in, n_out)))
        weights.append(np.stack(draws))
    return weights


def forward(X: Array, weights: list[Array], biases: list[Array]) -> list[Array]:
    """Give the activations of all layers, input first and probability last."""
    activations = [X]
    for W, b in zip(weights, biases, strict=True):
        activations.append(sigmoid(activations[-1] @ W + b))
    return activations


def output_error(p: Array, y: Array, faults: frozenset[int]) -> Array:
    """Give δ3 before the mean over the batch, (..., SAMPLES, 1)."""
    if 7 in faults:
        return (p - y) * p * (1 - p)
    if 5 in faults:
        return -(y / p - (1 - y) / (1 - p)) * p * (1 - p)
    return p - y


def reported_loss(p: Array, y: Array, faults: frozenset[int]) -> Array:
    """Give the loss of each network: with the logarithms as written, or kept above log(0)."""
    if 5 not in faults:
        p = np.clip(p, 1e-300, 1 - 2**-53)
    return -np.mean(y * np.log(p) + (1 - y) * np.log(1 - p), axis=(-2, -1))


def report_rule(faults: frozenset[int]) -> Callable[[int], bool]:
    """Give the test that says whether an epoch is reported."""
    if 6 not in faults:
        return lambda epoch: epoch % 100 == 0
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", SyntaxWarning)  # the compiler objects, and is right
        return eval("lambda epoch: epoch % 100 is 0")  # type: ignore[no-any-return] # noqa: S307


def accuracy(p: Array, y: Array) -> Array:
    """Give each network's share of right answers, NaN if any answer is NaN."""
    right = np.where(np.isnan(p), np.nan, (p > 0.5) == y)
    return np.asarray(right.mean(axis=(-2, -1)))


@dataclass(frozen=True)
class Outcome:
    """What one loop reached; each array has the shape (data set, seed)."""

    train: Array
    fresh: Array
    epochs: Array  # the first with LEARNED accuracy on the training samples; inf if none
    loss: Array  # as last reported by the loop
    slope: Array  # median of a2·(1 - a2), the factor through which the first layer is reached

    def row(self, data_set: int) -> list[str]:
        """Give the cells of the table of one data set: medians over the seeds."""
        train, fresh, epochs, loss, slope = (
            float(np.median(reached[data_set]))
            for reached in (self.train, self.fresh, self.epochs, self.loss, self.slope)
        )
        solved = int(np.sum(self.fresh[data_set] > SOLVED))
        return [
            *(percent(train), percent(fresh), f"{solved} of {SEEDS}"),
            f"{epochs:.0f}" if math.isfinite(epochs) else "–",
            f"> {CAP:.0f}" if loss > CAP else decimal(loss),
            decimal(slope),
        ]


def train(faults: Iterable[int] = (), *, rate: float = RATE) -> Outcome:
    """Train every network with the given faults in the loop."""
    found = frozenset(faults)
    X, y, X_fresh, y_fresh = samples()
    weights = initial_weights(found)
    biases = [np.zeros((1, n)) for n in SIZES[1:]]
    reported = report_rule(found)
    epochs, loss = np.full((2, SEEDS), np.inf), np.full((2, SEEDS), np.nan)

    with np.errstate(all="ignore"):  # exp overflows and 0/0 are among the findings
        for epoch in range(1, EPOCHS + 1):
            a0, a1, a2, p = forward(X, weights, biases)
            epochs[np.isinf(epochs) & (accuracy(p, y) >= LEARNED)] = epoch
            if reported(epoch):
                loss = reported_loss(p, y, found)

            d3 = output_error(p, y, found)
            if 3 not in found:
                d3 = d3 / SAMPLES
            d2 = d3 @ weights[2].mT * a2 * (1 - a2)
            d1 = d2 @ weights[1].mT * a1 * (1 - a1)

            step = 1 / epoch if 1 in found else rate
            for k, (a, d) in enumerate(((a0, d1), (a1, d2), (a2, d3))):
                weights[k] = weights[k] - step * (a.mT @ d)
                gradient = d if 2 in found else d.sum(axis=-2, keepdims=True)
                biases[k] = biases[k] - step * gradient

        p, p_fresh = forward(X, weights, biases)[-1], forward(X_fresh, weights, biases)[-1]
    slope = np.median(a2 * (1 - a2), axis=(-2, -1))
    return Outcome(accuracy(p, y), accuracy(p_fresh, y_fresh), epochs, loss, slope)


def decimal(value: float) -> str:
    """Print two decimals."""
    return "NaN" if math.isnan(value) else f"{value:.2f}"


def percent(share: float) -> str:
    """Print a median accuracy."""
    if math.isnan(share):
        return "NaN"
    low, high = CHANCE
    return "chance" if low <= share <= high else f"{100 * share:.0f} %"


def fill(text: str) -> str:
    """Break a paragraph into the lines of the page."""
    return wrapped(text, 100, break_on_hyphens=False)


def table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """Lay out a Markdown table, all columns but the first aligned right."""
    rule = ["---", *["---:"] * (len(head) - 1)]
    return "\n".join(f"| {' | '.join(row)} |" for row in (head, rule, *rows))


def setting() -> str:
    """Say what was run."""
    low, high = (f"{100 * share:.0f}" for share in CHANCE)
    return fill(
        f"{SEEDS} seeds, each with its own data and its own start; {SAMPLES} training samples and "
        f"{SAMPLES} fresh ones, all at least {MARGIN} away from the true boundary; {EPOCHS} epochs "
        f"of the full batch; the constant rate {RATE:.0f} except where fault 1 is in. Accuracies, "
        "epochs and losses are medians over the seeds. `chance` stands for a median accuracy "
        f"between {low} and {high} %. *Solved* counts the seeds above {100 * SOLVED:.0f} % on "
        f"fresh data. *Epochs* is the first epoch with {100 * LEARNED:.0f} % of the training "
        "samples right (– if the median seed never gets there). *Loss* is what the loop itself "
        "reports at its end; a network that always answers ½ has the loss "
        f"ln 2 = {math.log(2):.2f}. *Slope* is a2·(1 − a2) at the end; a sigmoid's is at most "
        f"{0.25:.2f}."
    )


def rate_table() -> str:
    """Add up the rates 1/epoch."""
    rows = []
    for epochs in (1_000, 10_000, 100_000):
        sums = np.cumsum(1 / np.arange(1, epochs + 1))
        half = int(np.searchsorted(sums, sums[-1] / 2)) + 1
        rows.append([f"{epochs}", f"{sums[-1]:.2f}", f"{half}", f"{1 / epochs:.5f}"])
    head = ["epochs", "sum of all rates 1/epoch", "half of it is spent by epoch", "last rate"]
    goal = 1000  # H(n) = ln(n) + γ, so that n = exp(goal - γ)
    power = (goal - np.euler_gamma) / math.log(10)
    sentence = (
        f"To add up to what the constant rate 1 gives in {goal} epochs, `1/epoch` needs about "
        f"10^{power:.0f} epochs."
    )
    return f"{table(head, rows)}\n\n{fill(sentence)}"


def width_table() -> str:
    """Show how weights from `rand` saturate a wide layer that reads sigmoids."""
    rows = []
    for width in (5, 20, 50, 100):
        rng = np.random.default_rng(width)
        inputs = rng.random((1000, width))
        slopes = []
        for W in (rng.random((width, 200)), rng.normal(0, math.sqrt(1 / width), (width, 200))):
            a = sigmoid(inputs @ W)
            slopes.append(f"{np.median(a * (1 - a)):.0e}")
        rows.append([f"{width}", *slopes])
    return table(["inputs of the layer", "σ′ with `rand`", "σ′ with Glorot's normal"], rows)


def logarithm_table() -> str:
    """Evaluate loss and δ3 as written, at logits where p rounds to 0 or 1."""
    rows = []
    with np.errstate(all="ignore"):
        for logit, label in ((-5, 1), (36, 0), (37, 0), (37, 1), (-700, 1), (-710, 1), (-710, 0)):
            z, y = np.float64(logit), np.float64(label)
            p = sigmoid(z)
            loss = -(y * np.log(p) + (1 - y) * np.log(1 - p))
            delta = -(y / p - (1 - y) / (1 - p)) * p * (1 - p)
            true_loss = np.logaddexp(0, z) - y * z
            cells = (decimal(value) for value in (loss, true_loss, delta, p - y))
            shown = f"{p:.0f}" if p in {0, 1} else f"1 − {1 - p:.1e}" if p > 0.5 else f"{p:.1e}"
            rows.append([f"{logit}", f"{label}", shown, *cells])
    return table(
        ["z", "y", "p", "loss as written", "true loss", "δ as written", "true δ = p − y"], rows
    )


def saturation_table() -> str:
    """Count the steps of one unit, y = 1, from a wrong start to p > ½ by changing its bias."""
    rows = []
    for start in (-2, -4, -6, -8, -10):
        p = 1 / (1 + math.exp(-start))
        entropy, squared = p - 1, (p - 1) * p * (1 - p)
        steps = [str(steps_to_half(start, squared=rule)) for rule in (False, True)]
        rows.append([f"{start}", f"{p:.5f}", f"{entropy:.5f}", f"{squared:.5f}", *steps])
    head = ["z", "p", "p − y", "(p − y)·p·(1 − p)", "steps by p − y", "steps by the rule"]
    return table(head, rows)


def steps_to_half(start: float, *, squared: bool) -> int:
    """Count gradient steps at rate 1 until the logit is positive."""
    z, steps = float(start), 0
    while z <= 0:
        p = 1 / (1 + math.exp(-z))
        z += (1 - p) * p * (1 - p) if squared else 1 - p
        steps += 1
    return steps


def experiment() -> dict[str, str]:
    """Train with every combination; give the tables of both data sets."""
    alone = {"none": train()}
    alone |= {f"{k}: {words}": train((k,)) for k, words in FAULTS.items()}
    first = next(iter(alone.values())), alone[f"1: {FAULTS[1]}"]
    cumulative = {"none": first[0], "1": first[1]}
    cumulative |= {f"1 to {k}": train(range(1, k + 1)) for k in range(2, len(FAULTS) + 1)}
    together = {
        "1 and 3": train((1, 3)),
        "2 and 3": train((2, 3)),
        "3 and 5": train((3, 5)),
        f"3, rate 1/{SAMPLES}": train((3,), rate=RATE / SAMPLES),
    }
    tables = {}
    for name, outcomes in (("alone", alone), ("cumulative", cumulative), ("together", together)):
        for index, data_set in enumerate(DATA_SETS):
            head = [data_set, "train", "fresh", "solved", "epochs", "loss", "slope"]
            rows = [[label, *outcome.row(index)] for label, outcome in outcomes.items()]
            tables[f"{name}-{data_set.lower()}"] = table(head, rows)
    return tables


def generated() -> dict[str, str]:
    """Give every generated block of the page by its name."""
    return {
        "setting": setting(),
        "rates": rate_table(),
        "widths": width_table(),
        "logarithms": logarithm_table(),
        "saturation": saturation_table(),
        **experiment(),
    }


def fenced(name: str, body: str) -> str:
    """Put a block between its markers, as it stands in the page."""
    return f"<!-- generated: {name} -->\n{body}\n<!-- end -->"


def rewrite(page: str, blocks: dict[str, str]) -> str:
    """Replace the page's generated blocks; a block without markers in the page is an error."""
    for name, body in blocks.items():
        pattern = rf"<!-- generated: {name} -->\n.*?<!-- end -->"
        found = re.findall(pattern, page, flags=re.DOTALL)
        if len(found) != 1:
            raise ValueError(f"{PAGE.name} has {len(found)} blocks named {name!r}; it needs one")
        page = page.replace(found[0], fenced(name, body))
    return page


def main(arguments: Sequence[str] | None = None) -> None:
    """Print the blocks or write them into the page."""
    parser = argparse.ArgumentParser(description="Measure the faults of the hand-written loop.")
    parser.add_argument("--write", action="store_true", help=f"rewrite the tables in {PAGE.name}")
    options = parser.parse_args(arguments)
    blocks = generated()
    if options.write:
        page = PAGE.read_text(encoding="utf-8")
        PAGE.write_text(rewrite(page, blocks), encoding="utf-8")
    else:
        print("\n\n".join(fenced(name, body) for name, body in blocks.items()))


if __name__ == "__main__":
    main()
