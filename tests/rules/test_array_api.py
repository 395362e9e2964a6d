"""The array API: Tensors name NumPy, and libraries that dispatch by it compute or refuse."""

from __future__ import annotations

import subprocess
import sys

import numpy as np
import pytest
from extras import extra

import tinygrad_bp as tg

# What the libraries are told by the environment holds for a whole process.
CALLS = """
import os
os.environ["SCIPY_ARRAY_API"] = "1"
import sys
import numpy as np
import sklearn
from scipy import fft, integrate, linalg, ndimage, special, stats
from sklearn import decomposition, metrics, preprocessing
import tinygrad_bp as tg
from tinygrad_bp.errors import TrackedTensorError

X = np.arange(1.0, 9.0).reshape(4, 2) ** 1.5
x = np.array([0.3, 1.2, 0.7, 2.0, 0.9])

KEPT = [  # ufuncs: the protocol of ufuncs takes over, with the derivative
    (special.expit, x), (special.gammaln, x), (special.erf, x), (special.rel_entr, x, x[::-1]),
]
PLAIN = [  # computed by NumPy of the values, which only what tracks nothing may give away
    (special.logsumexp, x), (special.softmax, x), (stats.zscore, x), (stats.skew, x),
    (lambda a, b: stats.pearsonr(a, b).statistic, x, x**2), (integrate.trapezoid, x),
    (fft.fft, x), (linalg.expm, X[:2]), (lambda a: ndimage.gaussian_filter(a, 1.0), x),
    (metrics.mean_squared_error, x, x[::-1]), (metrics.r2_score, x, x[::-1]),
    (metrics.pairwise.rbf_kernel, X, X[::-1]), (metrics.pairwise.euclidean_distances, X, X[::-1]),
    (lambda a: preprocessing.StandardScaler().fit_transform(a), X), (preprocessing.normalize, X),
    (lambda a: decomposition.PCA(1, svd_solver="full").fit_transform(a), X),
]

def tensors(arrays, tracked):
    return [tg.tensor(array, requires_grad=tracked) for array in arrays]

with sklearn.config_context(array_api_dispatch=True):
    for call, *arrays in KEPT:
        for tracked in (False, True):
            out = call(*tensors(arrays, tracked))
            assert type(out) is tg.Tensor and out.requires_grad == tracked
            np.testing.assert_array_equal(out.detach().numpy(), call(*arrays))
        h = 1e-6
        first, *rest = arrays
        slope = (call(first + h, *rest) - call(first - h, *rest)) / (2 * h)
        found = tg.grad(lambda one: np.sum(call(one, *tensors(rest, False))))(first)
        np.testing.assert_allclose(found, slope, rtol=1e-6)
    zeta = tg.grad(lambda one: np.sum(special.zeta(tg.tensor(x + 1.5), one)))(x)
    np.testing.assert_allclose(zeta, -(x + 1.5) * special.zeta(x + 2.5, x), rtol=1e-12)
    for call, *arrays in PLAIN:
        np.testing.assert_allclose(call(*tensors(arrays, False)), call(*arrays), rtol=1e-12)
        try:
            call(*tensors(arrays, True))
        except TrackedTensorError as error:
            assert "tracks gradients" in str(error)
        else:
            raise AssertionError("a gradient was dropped")
print("all")
"""


def test_the_namespace_of_a_tensor_is_numpy() -> None:
    x = tg.tensor([1.0, 2.0], requires_grad=True)
    assert x.__array_namespace__() is np
    assert x.__array_namespace__(api_version="2023.12") is np
    xp = x.__array_namespace__()
    out = xp.sum(xp.concat([xp.exp(x), xp.permute_dims(x[None], (1, 0))[:, 0]]))
    out.backward()
    np.testing.assert_allclose(x.grad.numpy(), np.exp([1.0, 2.0]) + 1.0)


def test_a_version_that_numpy_does_not_know_is_refused() -> None:
    with pytest.raises(ValueError, match="1999"):
        tg.tensor(1.0).__array_namespace__(api_version="1999.12")


def test_libraries_that_dispatch_by_it_compute_or_refuse() -> None:
    for library, since in ((extra("scipy"), (1, 17)), (extra("sklearn"), (1, 7))):
        if tuple(map(int, library.__version__.split(".")[:2])) < since:
            pytest.skip(f"an older {library.__name__} asks for more than the protocol has")
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", CALLS], capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stdout) == (0, "all\n"), done.stderr
