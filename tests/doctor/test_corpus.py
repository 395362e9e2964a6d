"""The developers' corpus: wrong scripts of which the causes are known, and healthy ones.

Each file's first line names its causes, the main one first; ``|`` stands between names that say the
same.  A folder holds a script of several files, of which ``main.py`` is run.  Those in the folders
``held_out`` were written before the doctor had seen them.  The default run takes a few, one for
each kind of mechanism; the whole corpus runs under ``deep``.
"""

from __future__ import annotations

import warnings
from pathlib import Path
from typing import NamedTuple

import pytest

from tinygrad_bp.doctor.examination import examine
from tinygrad_bp.doctor.findings.diagnosis import FAULT
from tinygrad_bp.doctor.findings.vocabulary import TABLE
from tinygrad_bp.doctor.treatments import trials

CORPUS = Path(__file__).parent / "corpus"
WRONG, HEALTHY = (
    sorted([*CORPUS.glob(f"{kind}*/*.py"), *CORPUS.glob(f"{kind}*/*/main.py")])
    for kind in ("wrong", "healthy")
)
FEW_WRONG = [
    "adam_same_buffers", "constant_start_columns", "decays_every_batch",
    "derivative_twice_tanh", "evaluation_axis", "gradients_never_reset", "integer_line",
    "labels_of_another_shape", "linear_regression_uphill", "loop_var_reused",
    "not_updated_loopvar", "npmatrix_slope_at_z", "package_layers/main",
    "rate_decay_epoch_class", "softmax_hidden", "tensors_rebound_in_a_loop",
    "tensors_five_epochs", "tensors_labels_not_01", "tensors_linear_layers",
    "tensors_minus_the_loss", "xor_missing_tanh_slope",
    # one each of loops over layers, fields of records, dropout masks, einsum, labels in blocks,
    # held-out losses, exchanged slopes, stopping early, weights of 0, inputs of any size,
    # several answers for one label, copies that are none, inputs that are no numbers, views that
    # are written through, and gradients of Tensors
    "updates_inside_loop_columns", "lists_hidden_slope_gone", "dropout_mask_forgotten",
    "einsum_not_transposed", "all_zeros_then_all_ones", "learns_the_noise",
    "elementwise_prediction", "old_weights_are_the_new", "constant_border_pixels",
    "leaky_slopes_exchanged", "sine_twenty_five_epochs", "zeros_init_xor", "pixels_not_divided",
    "jitter_that_stays", "gradients_of_tensors_sign",
    # units between one input and one output, metrics of Tensors, signed errors added up, weights
    # kept without a copy, lists without a bias, sure answers, and steps in a comprehension
    "tensors_one_input_alike", "tensors_counts_over_epochs", "signed_errors_of_samples_added",
    "early_stopper_keeps_the_arrays", "nand_lists_no_bias",
    "bitmaps_softmax_slope_in_cross_entropy", "comprehension_one_layer_uphill",
    # vectors in a chain of factors, slopes under any name, what stands behind zeros or before an
    # output that is shut, layers with nothing between them, and a rate that kills
    "star_for_outer_online", "steigung_in_schicht_und_schleife", "sine_slope_squashes_again",
    "zeros_nothing_moves", "parabola_output_is_shut", "quadrants_nothing_between",
    "units_killed_by_the_rate",
    # single samples away from their labels, and one number as the gradient of a matrix
    "rows_drawn_anew_each_epoch", "one_number_for_all_weights",
    # thresholds, weights that are not the best, numbers that derive themselves, fractions cut off
    "perceptron_walks_away", "perceptron_through_the_origin", "perceptron_adds_every_sample",
    "celsius_lists_offset_crawls", "zahl_slopes_overwritten", "difference_quotient_of_integers",
]  # fmt: skip
ALONE = {  # the only faults of scripts in which something else looks like one
    "tensors_head_alone_optimized": "not-updated",
    "rand_start_sure_answers": "all-positive-init",
    "cancer_raw_best_weights": "log-zero",
    "shares_of_another_sum": "softmax-shift",
    "long_laps_uphill_rows": "wrong-sign",  # and the labels are those of -y / p
}
FEW_HEALTHY = [
    "columns_returned_parameters", "hill_climbing", "tqdm_bar", "dropout_l2_step_decay",
    "gradient_clipped", "momentum_in_a_class", "train_until_good", "tensors_grad_function",
    "tensors_that_learn", "weighted_cross_entropy", "early_stopper_copies", "sizes_of_errors_added",
    "counts_set_back_in_the_loop", "linear_on_purpose", "batch_left_in_a_list",
    "perceptron_of_lists", "perceptron_signs_from_zero",
]  # fmt: skip
FOUND, FIRST = 0.9, 0.8  # shares of all causes, and of main causes at the first place


class Score(NamedTuple):
    """What the doctor made of one script."""

    causes: list[set[str]]
    names: list[str]
    faults: list[str]

    @property
    def hits(self) -> list[bool]:
        return [bool(one & {*self.names}) for one in self.causes]

    @property
    def first(self) -> bool:
        return bool(self.names) and self.names[0] in self.causes[0]


def causes(path: Path) -> list[set[str]]:
    line = path.read_text(encoding="utf-8").splitlines()[0]
    return [set(one.strip().split("|")) for one in line.partition("# causes:")[2].split(",")]


def score(path: Path) -> Score:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", PendingDeprecationWarning)  # as Python does: numpy.matrix
        found = examine(path.read_text(encoding="utf-8"), str(path)).diagnosis.findings
    faults = [one.name for one in found if one.severity == FAULT]
    return Score(causes(path), [one.name for one in found], faults)


def test_the_corpus_is_large_enough_and_its_causes_have_names() -> None:
    assert len(WRONG) >= 30
    assert len(HEALTHY) >= 30
    assert {name for path in WRONG for one in causes(path) for name in one} <= {*TABLE}
    assert all(causes(path) == [{"none"}] for path in HEALTHY)


@pytest.mark.parametrize("name", FEW_WRONG)
def test_a_cause_is_found_and_comes_first(name: str) -> None:
    found = score(next(CORPUS.glob(f"wrong*/{name}.py")))
    assert all(found.hits), found
    assert found.first, found


@pytest.mark.parametrize(("name", "fault"), ALONE.items())
def test_nothing_else_is_a_fault(name: str, fault: str) -> None:
    assert score(next(CORPUS.glob(f"wrong*/{name}.py"))).faults == [fault]


def test_pictures_of_a_longer_table_are_no_parameter() -> None:
    assert score(CORPUS / "healthy_held_out" / "conv_filters_one_picture_each.py").names == []


@pytest.mark.parametrize("name", FEW_HEALTHY)
def test_a_healthy_script_is_let_alone(name: str) -> None:
    assert score(next(CORPUS.glob(f"healthy*/{name}.py"))).faults == []


def test_the_loop_of_the_page_is_taken_apart() -> None:
    """XOR with every common fault in one loop: each is named, with its patch and its effect."""
    path = CORPUS / "wrong" / "seed_loop_xor.py"
    found = examine(path.read_text(encoding="utf-8"), str(path)).diagnosis.findings
    faults = {one.name: one for one in found if one.severity == FAULT}
    assert list(faults)[:2] == ["parameter-grew", "bias-axis"]
    assert {*faults} == {"parameter-grew", "bias-axis", "rate-decays", "not-averaged"}
    assert all(one.patch and one.effect for one in faults.values())
    assert {"all-positive-init", "is-literal"} <= {one.name for one in found}


@pytest.mark.deep
def test_most_causes_are_found() -> None:
    found = [score(path) for path in WRONG]
    hits = [hit for one in found for hit in one.hits]
    assert sum(hits) >= FOUND * len(hits)
    assert sum(one.first for one in found) >= FIRST * len(found)


@pytest.mark.deep
@pytest.mark.parametrize("path", HEALTHY, ids=lambda path: path.relative_to(CORPUS).as_posix())
def test_no_healthy_script_is_called_faulty(path: Path) -> None:
    assert score(path).faults == []


def test_a_pause_while_a_run_is_measured_loses_no_finding(monkeypatch) -> None:
    """The first whole run is the one that is measured, and a collector may stop it for long."""
    path = next(CORPUS.glob("wrong*/sine_twenty_five_epochs.py"))
    ran = []

    def run(*args, **options):
        ran.append(trials_run(*args, **options))
        ran[-1].seconds += 0.6 * (len(ran) == 1)
        return ran[-1]

    trials_run = trials.run
    monkeypatch.setattr(trials, "run", run)
    assert score(path).names == ["too-few-steps"]
