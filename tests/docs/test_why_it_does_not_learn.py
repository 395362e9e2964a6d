"""The tables of docs/why-it-does-not-learn.md are what their script measures, on any machine."""

from __future__ import annotations

import importlib.util
import re
import sys
from fractions import Fraction
from itertools import accumulate
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import tinygrad_bp as tg
from tinygrad_bp.testing.oracles import complex_step

DOCS = Path(__file__).parents[2] / "docs"
PAGE = (DOCS / "why-it-does-not-learn.md").read_text(encoding="utf-8")
NONE: frozenset[int] = frozenset()

spec = importlib.util.spec_from_file_location(
    "why_it_does_not_learn", DOCS / "examples" / "why_it_does_not_learn.py"
)
assert spec is not None
assert spec.loader is not None
script = importlib.util.module_from_spec(spec)
sys.modules[spec.name] = script  # dataclasses look their module up
spec.loader.exec_module(script)

EPS = np.finfo(float).eps


def shown(name: str) -> str:
    """Return a generated block as it stands in the page."""
    found = re.findall(rf"<!-- generated: {name} -->\n(.*?)\n<!-- end -->", PAGE, re.DOTALL)
    assert len(found) == 1
    return str(found[0])


@pytest.fixture
def blocks() -> dict[str, str]:
    """What the page shows, which is what the script gives."""
    return {name: shown(name) for name in re.findall(r"<!-- generated: ([\w-]+) -->", PAGE)}


def test_the_page_shows_what_the_script_measures() -> None:
    """Of the network that learns and of the one whose gradient is a sum; the rest is deep."""
    for name, body in script.Experiment(perturbation=0.0).summed().items():
        assert body == shown(name)


@pytest.mark.deep
def test_the_page_shows_all_that_the_script_measures(blocks: dict[str, str]) -> None:
    made = script.generated()
    assert made == blocks
    assert script.rewrite(PAGE, made) == PAGE


@pytest.mark.deep
def test_the_tables_do_not_hang_on_the_last_bits() -> None:
    # Another BLAS rounds differently: a few ulp in each step, which this change exceeds.  The rows
    # with fault 3 are chaotic, so that they are the ones that would show it.
    runs = script.Experiment(perturbation=1e-12)
    for name, body in {**runs.alone(), **runs.summed()}.items():
        assert body == shown(name)


@pytest.mark.deep
@pytest.mark.parametrize("perturbation", [-1e-12, 3e-12, 1e-11])
def test_no_block_hangs_on_the_last_bits(perturbation: float) -> None:
    for name, body in script.generated(perturbation).items():
        assert body == shown(name)


def test_a_changed_figure_is_replaced_when_the_page_is_written(
    blocks: dict[str, str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    page = tmp_path / "page.md"
    page.write_text(PAGE.replace("10 of 10", "9 of 10", 1), encoding="utf-8")
    assert page.read_text(encoding="utf-8") != PAGE
    monkeypatch.setattr(script, "PAGE", page)
    monkeypatch.setattr(script, "generated", lambda: blocks)
    script.main(["--write"])
    assert page.read_text(encoding="utf-8") == PAGE


def test_without_an_option_the_blocks_are_printed(
    blocks: dict[str, str], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(script, "generated", lambda: blocks)
    script.main([])
    printed = capsys.readouterr().out
    assert all(script.fenced(name, body) in printed for name, body in blocks.items())


@pytest.mark.parametrize(
    "page",
    [
        "",
        "<!-- generated: a -->\n1\n<!-- end -->\n" * 2,
        "<!-- generated: b -->\n1\n<!-- end -->\n",
    ],
)
def test_a_page_with_other_blocks_is_refused(page: str) -> None:
    with pytest.raises(ValueError, match=r"expected \['a'\]"):
        script.rewrite(page, {"a": "1"})


# What the script computes, against oracles that it does not use


def one_network(faults: frozenset[int]) -> tuple[Any, ...]:
    """Return samples, labels, activations and parameters of the first network of the XOR set."""
    X, y, _, _ = script.samples()
    weights = [W[:1] for W in script.initial_weights(faults)]
    biases = [np.full((1, n), 0.1) for n in (5, 5, 1)]
    X, y = X[1, :1], y[1, :1]
    return X, y, script.forward(X, weights, biases), weights, biases


def mean_loss(X: Any, y: Any, parameters: list[Any]) -> Any:
    a = X
    for W, b in zip(parameters[:2], parameters[3:5], strict=True):
        a = tg.sigmoid(a @ W + b)
    return tg.nn.bce_with_logits(a @ parameters[2] + parameters[5], y)


@pytest.mark.parametrize(
    ("faults", "factor"), [(NONE, 1), (frozenset({5}), 1), (frozenset({3}), script.SAMPLES)]
)
def test_the_gradients_are_the_engines(faults: frozenset[int], factor: float) -> None:
    X, y, activations, weights, biases = one_network(faults)
    by_hand = script.gradients(activations, weights, y, faults)
    by_engine = tg.grad(lambda *them: mean_loss(X, y, list(them)), range(6))(*weights, *biases)
    for k, (dW, db) in enumerate(by_hand):
        for hand, engine in ((dW, by_engine[k]), (db, by_engine[k + 3][None])):
            assert hand.shape == engine.shape
            # sixty terms in each sum
            np.testing.assert_allclose(
                hand / factor, engine, rtol=0, atol=100 * EPS * abs(engine).max()
            )


def test_fault_2_gives_each_sample_a_bias() -> None:
    found = frozenset({2})
    _, y, activations, weights, _ = one_network(found)
    summed = script.gradients(activations, weights, y, NONE)
    for (_, db), (_, wanted), n in zip(
        script.gradients(activations, weights, y, found), summed, (5, 5, 1), strict=True
    ):
        assert db.shape == (1, script.SAMPLES, n)
        np.testing.assert_allclose(db.sum(axis=-2, keepdims=True), wanted, rtol=1e-12)


@pytest.mark.parametrize("label", [0.0, 1.0])
@pytest.mark.parametrize(
    ("faults", "loss"),
    [
        (NONE, lambda p, y: -(y * np.log(p) + (1 - y) * np.log(1 - p))),
        ({5}, lambda p, y: -(y * np.log(p) + (1 - y) * np.log(1 - p))),
        ({7}, lambda p, y: (p - y) ** 2 / 2),
        ({5, 7}, lambda p, y: (p - y) ** 2 / 2),
    ],
)
def test_the_output_error_is_the_slope_of_its_loss(faults: Any, loss: Any, label: float) -> None:
    z, y = np.linspace(-5, 5, 11), np.full(11, label)
    wanted = complex_step(lambda z: loss(script.sigmoid(z), y), [z], [np.ones(11)]).value
    got = script.output_error(script.sigmoid(z), y, frozenset(faults))
    np.testing.assert_allclose(got, wanted, rtol=1e-12)  # 1 - p loses two digits at z = 5


def test_half_of_the_rates_is_spent_when_the_table_says() -> None:
    rows = re.findall(r"^\| (\d+) \| ([\d.]+) \| (\d+) \|$", shown("rates"), re.MULTILINE)
    assert [int(epochs) for epochs, _, _ in rows][:2] == [100, script.EPOCHS]
    for epochs, total, half in rows[:2]:
        sums = list(accumulate(Fraction(1, k) for k in range(1, int(epochs) + 1)))
        assert total == f"{float(sums[-1]):.2f}"
        assert sums[int(half) - 2] < sums[-1] / 2 <= sums[int(half) - 1]


def test_the_samples_keep_their_distance_and_the_sets_differ() -> None:
    X, y, X_fresh, y_fresh = script.samples()
    for points, labels in ((X, y), (X_fresh, y_fresh)):
        assert points.shape == (2, script.SEEDS, script.SAMPLES, 2)
        assert labels.shape == (2, script.SEEDS, script.SAMPLES, 1)
        height = (2 * points[0, ..., :1] + points[0, ..., 1:]) / np.sqrt(5)
        assert abs(height).min() >= script.MARGIN - 2 * EPS
        np.testing.assert_array_equal(labels[0], height > 0)
        assert abs(points[1]).min() >= script.MARGIN
        np.testing.assert_array_equal(labels[1], points[1, ..., :1] * points[1, ..., 1:] < 0)
    assert not np.intersect1d(X, X_fresh).size


@pytest.mark.parametrize(
    ("values", "middle"),
    [
        ([3.0, 1.0, 2.0, 10.0], 2.5),
        ([1.0, 2.0, np.nan], 2.0),
        ([1.0, 2.0, np.nan, np.nan], np.nan),
        ([0.0, np.inf, np.inf], np.inf),
    ],
)
def test_half_of_the_seeds_have_to_be_nan(values: list[float], middle: float) -> None:
    np.testing.assert_equal(script.median(np.array(values)), middle)


@pytest.mark.parametrize(
    ("share", "text"),
    [
        (0.39, "39 %"),
        (0.4, "chance"),
        (0.6, "chance"),
        (0.605, "60 %"),
        (1.0, "100 %"),
        (np.nan, "NaN"),
    ],
)
def test_accuracies_near_a_half_are_chance(share: float, text: str) -> None:
    assert script.percent(np.full(10, share)) == text
