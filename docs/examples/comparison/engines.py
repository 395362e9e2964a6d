"""The engines that are compared: how the users of each track arrays and ask for gradients."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np


class Library:
    """How the users of an engine track arrays and ask for gradients; this base class is ours."""

    name = "tinygrad_bp"
    distribution = "tinygrad-bp"

    def gradients(self, f: Callable[..., Any], *arrays: Any) -> list[Any]:
        """Return the gradients of a scalar function of arrays, as arrays."""
        import tinygrad_bp as tg

        found = tg.grad(f, argnums=tuple(range(len(arrays))))(*map(tg.tensor, arrays))
        return [np.asarray(one.numpy()) for one in found]

    def derivative(self, f: Callable[[Any], Any], order: int) -> Callable[[float], float]:
        """Return a derivative of a function of one number."""
        import tinygrad_bp as tg

        for _ in range(order):
            f = tg.grad(f)
        return lambda x: float(f(x))

    def constant(self, array: np.ndarray) -> Any:
        """Return data as the library takes it."""
        return array

    def total(self, out: Any, weights: Any) -> Any:
        """Return the weighted sum of an array of the library."""
        return np.sum(out * weights)

    def bce(self, z: Any, y: np.ndarray) -> Any:
        """Return the binary cross entropy of logits: the library's own, else written out."""
        from tinygrad_bp.nn import bce_with_logits

        return bce_with_logits(z, y)

    def watched(self, f: Callable[[Any], Any], x: np.ndarray) -> None:
        """Differentiate in the mode that looks for NaN."""
        import tinygrad_bp as tg

        with tg.debug():
            self.gradients(f, x)

    def drawn(self, folder: Path) -> str:
        """Draw the graph of tanh(0.5 w) into a file, by the library alone; return its text."""
        import tinygrad_bp as tg

        w = tg.tensor(0.75, requires_grad=True, name="w")
        tg.graph(np.tanh(0.5 * w)).save(folder / "graph.svg")
        return (folder / "graph.svg").read_text(encoding="utf-8")

    def written_out(self) -> str:
        """Return the derivative of tanh(0.5 w) as the source of a module in plain NumPy."""
        import tinygrad_bp as tg

        return tg.program(tg.grad(lambda w: np.tanh(0.5 * w)), 0.75).numpy()


class PyTorch(Library):
    name = "PyTorch"
    distribution = "torch"

    def gradients(self, f: Callable[..., Any], *arrays: Any) -> list[Any]:
        import torch

        leaves = [torch.tensor(a, dtype=torch.float64, requires_grad=True) for a in arrays]
        f(*leaves).backward()
        return [leaf.grad.numpy() for leaf in leaves]

    def derivative(self, f: Callable[[Any], Any], order: int) -> Callable[[float], float]:
        import torch

        def slope(x: float) -> float:
            leaf = torch.tensor(x, dtype=torch.float64, requires_grad=True)
            y = f(leaf)
            for _ in range(order):
                (y,) = torch.autograd.grad(y, leaf, create_graph=True)
            return float(y)

        return slope

    def constant(self, array: np.ndarray) -> Any:
        import torch

        return torch.from_numpy(array)

    def total(self, out: Any, weights: Any) -> Any:
        return (out * self.constant(np.asarray(weights))).sum()

    def bce(self, z: Any, y: np.ndarray) -> Any:
        import torch

        return torch.nn.functional.binary_cross_entropy_with_logits(z, torch.from_numpy(y))

    def watched(self, f: Callable[[Any], Any], x: np.ndarray) -> None:
        import torch

        with warnings.catch_warnings(record=True) as said, torch.autograd.detect_anomaly():
            warnings.simplefilter("always")
            try:
                self.gradients(f, x)
            except RuntimeError as error:
                text = "".join(str(one.message) for one in said)
                raise RuntimeError(f"{error}\n{text}") from None

    def drawn(self, folder: Path) -> str:
        raise NotImplementedError("no function of its own; the package torchviz draws one")

    def written_out(self) -> str:
        raise NotImplementedError("a graph module in PyTorch's own operations, by torch.compile")


class Jax(Library):
    name = "JAX"
    distribution = "jax"

    def __init__(self) -> None:
        import jax

        jax.config.update("jax_enable_x64", True)  # noqa: FBT003

    def gradients(self, f: Callable[..., Any], *arrays: Any) -> list[Any]:
        import jax

        value, pull = jax.vjp(f, *map(jax.numpy.asarray, arrays))
        return [np.asarray(one) for one in pull(jax.numpy.ones_like(value))]

    def derivative(self, f: Callable[[Any], Any], order: int) -> Callable[[float], float]:
        import jax

        for _ in range(order):
            f = jax.grad(f)
        return lambda x: float(f(x))

    def total(self, out: Any, weights: Any) -> Any:
        return (out * weights).sum()

    def bce(self, z: Any, y: np.ndarray) -> Any:
        import jax

        return jax.numpy.mean(jax.numpy.logaddexp(0.0, z) - y * z)

    def watched(self, f: Callable[[Any], Any], x: np.ndarray) -> None:
        import jax

        with jax.debug_nans(True):  # noqa: FBT003
            self.gradients(f, x)

    def drawn(self, folder: Path) -> str:
        raise NotImplementedError("text: jax.make_jaxpr")

    def written_out(self) -> str:
        raise NotImplementedError("a jaxpr, in JAX's own primitives")


class Autograd(Library):
    name = "HIPS/autograd"
    distribution = "autograd"

    def gradients(self, f: Callable[..., Any], *arrays: Any) -> list[Any]:
        from autograd import make_vjp

        found = []
        for k in range(len(arrays)):
            pull, value = make_vjp(f, k)(*arrays)
            found.append(pull(np.ones_like(value)))
        return found

    def derivative(self, f: Callable[[Any], Any], order: int) -> Callable[[float], float]:
        from autograd import grad

        for _ in range(order):
            f = grad(f)
        return lambda x: float(f(x))

    def total(self, out: Any, weights: Any) -> Any:
        import autograd.numpy as anp

        return anp.sum(out * weights)

    def bce(self, z: Any, y: np.ndarray) -> Any:
        import autograd.numpy as anp

        return anp.mean(anp.logaddexp(0.0, z) - y * z)

    def watched(self, f: Callable[[Any], Any], x: np.ndarray) -> None:
        self.gradients(f, x)  # no such mode

    def drawn(self, folder: Path) -> str:
        raise NotImplementedError("no function of its own")

    def written_out(self) -> str:
        raise NotImplementedError("no function of its own")


class MyGrad(Library):
    name = "MyGrad"
    distribution = "mygrad"

    def gradients(self, f: Callable[..., Any], *arrays: Any) -> list[Any]:
        import mygrad as mg

        leaves = [mg.tensor(np.array(a, dtype=float)) for a in arrays]
        f(*leaves).backward()
        return [leaf.grad for leaf in leaves]

    def derivative(self, f: Callable[[Any], Any], order: int) -> Callable[[float], float]:
        import mygrad as mg

        def slope(x: float) -> float:
            leaf = mg.tensor(x)
            y = f(leaf)
            for _ in range(order):
                y.backward()  # of what is an array, not a tensor, the second time
                y = leaf.grad
            return float(y)

        return slope

    def total(self, out: Any, weights: Any) -> Any:
        import mygrad as mg

        return mg.sum(out * weights)

    def bce(self, z: Any, y: np.ndarray) -> Any:
        import mygrad as mg

        return mg.mean(mg.logaddexp(0.0, z) - y * z)

    def watched(self, f: Callable[[Any], Any], x: np.ndarray) -> None:
        self.gradients(f, x)  # no such mode

    def drawn(self, _folder: Path) -> str:
        import mygrad as mg
        from mygrad.computational_graph import build_graph

        y = mg.tanh(0.5 * mg.tensor(0.75))
        return str(build_graph(y).source)

    def written_out(self) -> str:
        raise NotImplementedError("no function of its own")


class Micrograd(Library):
    name = "micrograd"
    distribution = "micrograd"

    def gradients(self, f: Callable[..., Any], *arrays: Any) -> list[Any]:
        from micrograd.engine import Value

        boxes = [np.array([Value(float(v)) for v in np.ravel(a)], dtype=object) for a in arrays]
        leaves = [box.reshape(np.shape(a)) for box, a in zip(boxes, arrays, strict=True)]
        f(*(leaf if np.ndim(leaf) else leaf[()] for leaf in leaves)).backward()
        return [np.vectorize(lambda v: v.grad, otypes=[float])(leaf) for leaf in leaves]

    def derivative(self, f: Callable[[Any], Any], order: int) -> Callable[[float], float]:
        from micrograd.engine import Value

        def slope(x: float) -> float:
            leaf = Value(x)
            y = f(leaf)
            for _ in range(order):
                y.backward()
                y = leaf.grad  # a float, which has no backward()
            return float(y)

        return slope

    def bce(self, z: Any, y: np.ndarray) -> Any:
        raise NotImplementedError("has numbers alone")

    def watched(self, f: Callable[[Any], Any], x: np.ndarray) -> None:
        self.gradients(f, x)  # no such mode

    def drawn(self, folder: Path) -> str:
        raise NotImplementedError("a notebook beside the package draws one")

    def written_out(self) -> str:
        raise NotImplementedError("no function of its own")


class Tinygrad(Library):
    name = "tinygrad"
    distribution = "tinygrad"

    def gradients(self, f: Callable[..., Any], *arrays: Any) -> list[Any]:
        from tinygrad import Tensor

        leaves = [Tensor(np.asarray(a, dtype=float)) for a in arrays]
        found = f(*leaves).gradient(*leaves)
        return [one.numpy() for one in found]

    def derivative(self, f: Callable[[Any], Any], order: int) -> Callable[[float], float]:
        from tinygrad import Tensor, dtypes

        def slope(x: float) -> float:
            leaf = Tensor(x, dtype=dtypes.float64)
            y = f(leaf)
            for _ in range(order):
                (y,) = y.gradient(leaf)
            return float(y.item())

        return slope

    def constant(self, array: np.ndarray) -> Any:
        from tinygrad import Tensor

        return Tensor(array)

    def total(self, out: Any, weights: Any) -> Any:
        return (out * self.constant(np.asarray(weights))).sum()

    def bce(self, z: Any, y: np.ndarray) -> Any:
        return z.binary_crossentropy_logits(self.constant(y))

    def watched(self, f: Callable[[Any], Any], x: np.ndarray) -> None:
        self.gradients(f, x)  # no such mode

    def drawn(self, folder: Path) -> str:
        raise NotImplementedError("a web page that its own server shows (VIZ=1)")

    def written_out(self) -> str:
        raise NotImplementedError("no function of its own")


LIBRARIES: dict[str, type[Library]] = {
    one.name: one for one in (Library, PyTorch, Jax, Autograd, MyGrad, Micrograd, Tinygrad)
}


# Of tests/benchmarks: the column of a library, eager and compiled.
