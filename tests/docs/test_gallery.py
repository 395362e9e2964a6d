"""The gallery: every script learns and draws in its short setting; the page shows the whole one."""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from extras import extra

ROOT = Path(__file__).parents[2]
SCRIPTS = ROOT / "docs" / "examples" / "gallery"
PAGE = (ROOT / "docs" / "gallery.md").read_text(encoding="utf-8")
NAMES = re.findall(r"<!-- measured: (\w+) -->", PAGE)
NEEDS = {"digits": "sklearn", "autoencoder": "sklearn", "logistic": "sklearn"}
NEEDS |= {"heat": "scipy", "gaussian_process": "scipy"}
# what the whole training has to reach: at least, at most
BARS: dict[str, dict[str, tuple[float, float]]] = {
    "digits": {"held-out accuracy": (0.98, 1.0)},
    "characters": {
        "held-out bits, recurrent": (1.0, 3.2),
        "held-out bits, transformer": (1.0, 3.5),
    },
    "uncertainty": {"share in the 90 % band": (0.85, 0.95), "held-out surprise": (-1.0, -0.3)},
    "autoencoder": {"held-out bound, nats": (15.0, 25.0)},
    "heat": {"largest error": (0.0, 0.01)},
    "implicit": {
        "held-out accuracy": (0.95, 1.0),
        "gradient, apart from that of 300 steps": (0.0, 1e-8),
    },
    "gaussian_process": {"noise": (0.1, 0.2)},
    "logistic": {"accuracy": (0.97, 1.0), "Hessian, apart from its formula": (0.0, 1e-8)},
    "gridworld": {"steps, always the likeliest move": (14.0, 14.0)},
}


@pytest.fixture(autouse=True)
def scripts(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Import from the folder of the scripts, and forget it afterwards."""
    extra("matplotlib")
    before = set(sys.modules)
    monkeypatch.syspath_prepend(str(SCRIPTS))
    yield
    for name in {path.stem for path in SCRIPTS.glob("*.py")} - before:
        sys.modules.pop(name, None)


def script(name: str) -> Any:
    if name in NEEDS:
        extra(NEEDS[name])
    return import_module(name)


@pytest.mark.parametrize("name", NAMES)
def test_a_script_learns_and_draws(name: str, tmp_path: Path) -> None:
    module = script(name)
    measured, drawn = module.learn(**module.SHORT)
    assert all(np.isfinite(number) for number in measured.values())
    assert {*measured, "seconds"} == import_module("measure").shown(PAGE, name)[0].keys()
    import_module("drawing").save(module.picture(drawn), tmp_path / "made.svg")
    shown = ROOT / "docs" / "images" / f"gallery-{name}.svg"
    assert words(tmp_path / "made.svg") == words(shown)
    assert shown.stat().st_size < 200_000


def words(picture: Path) -> set[str]:
    """Return what a picture says, without what was measured, and without what a network writes."""
    found = re.findall(r"<text([^>]*)>([^<]*)</text>", picture.read_text(encoding="utf-8"))
    return {said for how, said in found if not re.search(r"\d", said) and "Mono" not in how}


def test_every_script_has_its_section_with_a_picture_and_what_to_change() -> None:
    others = {"drawing", "measure", "in_pytorch"}
    assert {path.stem for path in SCRIPTS.glob("*.py")} - others == {*NAMES} == BARS.keys()
    for section in PAGE.split("\n## ")[1:]:
        name = re.search(r"<!-- measured: (\w+) -->", section)
        assert name
        assert f"](images/gallery-{name[1]}.svg)" in section.split("\n\n")[1]
        assert f"](examples/gallery/{name[1]}.py)" in section.replace("\n", " ")
        assert section.split("<!-- end -->")[1].startswith("\n\n**Change next**")


def test_the_likelihood_of_the_process_is_scikit_learns() -> None:
    extra("sklearn")
    from sklearn.gaussian_process import GaussianProcessRegressor, kernels

    process = script("gaussian_process")
    measured, (x, y, p) = process.learn(**process.SHORT)
    length, amplitude, noise = (float(np.exp(p[name])) for name in p)
    kernel = kernels.ConstantKernel(amplitude**2) * kernels.RBF(length)
    whole = kernel + kernels.WhiteKernel(noise**2)
    theirs = GaussianProcessRegressor(whole, optimizer=None, alpha=0.0).fit(x[:, None], y)
    value, slope = theirs.log_marginal_likelihood(theirs.kernel_.theta, eval_gradient=True)
    np.testing.assert_allclose(measured["log marginal likelihood"], value, rtol=1e-9)
    assert abs(slope).max() < 1e-2
    at = np.linspace(-3.0, 3.0, 9)
    np.testing.assert_allclose(process.predicted(p, x, y, at)[0], theirs.predict(at[:, None]))


@pytest.mark.deep
@pytest.mark.parametrize("name", NAMES)
def test_the_whole_training_reaches_what_the_page_says(name: str) -> None:
    module = script(name)
    measured, _ = module.learn(**module.FULL)
    shown, _ = import_module("measure").shown(PAGE, name)
    for what, (low, high) in BARS[name].items():
        for number in (measured[what], shown[what]):
            assert low <= number <= high, (what, number)


@pytest.mark.oracle
@pytest.mark.parametrize("name", NAMES)
def test_the_twin_in_pytorch_measures_the_same_things(name: str) -> None:
    torch, module = extra("torch"), script(name)
    try:
        theirs = getattr(import_module("in_pytorch"), name)(**module.SHORT)
    finally:
        torch.set_default_dtype(torch.float32)
    ours, _ = module.learn(**module.SHORT)
    assert theirs.keys() <= ours.keys()
    if name in {"gaussian_process", "logistic"}:  # one minimum, whatever finds it
        for what, number in theirs.items():
            np.testing.assert_allclose(ours[what], number, rtol=1e-3)
