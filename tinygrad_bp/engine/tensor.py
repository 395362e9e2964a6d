"""`Tensor`: a duck array and its place in the graph.  NumPy dispatches to it (NEP 13, NEP 18).

This module holds what every Tensor has whatever rules exist.  Operators and ndarray's methods are
attached by the rule that differentiates them (`method`); `attached` declares their types.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np

from tinygrad_bp.elsewhere.attributes import OF_TENSOR, Size, answer
from tinygrad_bp.elsewhere.calls import answers
from tinygrad_bp.engine.array_names import name_array
from tinygrad_bp.engine.arrays import is_written_down
from tinygrad_bp.engine.attached import Attached, declared
from tinygrad_bp.engine.memory import read_only
from tinygrad_bp.engine.nodes import Account, Leaf, Node, held
from tinygrad_bp.engine.refusals import leaves_the_graph
from tinygrad_bp.engine.shapes import Shape
from tinygrad_bp.errors import DeferredError, DTypeError, TrackedTensorError

if TYPE_CHECKING:
    Base = Attached
else:
    Base = object  # declarations alone: nothing of them runs

SCALARS = (float, int, bool, complex)
new = object.__new__


class Tensor(Base):
    """A duck array that records the operations on it in a computation graph.

    Values are immutable while a graph can see them: ``x[i] = v`` and ``x += v`` make a new value;
    under `no_grad` they give it to a parameter itself.

    Parameters
    ----------
    data : array_like
        Copied, in the machine's byte order, so that later changes to it cannot reach the graph.
        Python floats become float64.  Another duck array (Dask, CuPy) is kept as it is.
    dtype : dtype, optional
        As in `numpy.array`.
    requires_grad : bool, default False
        Whether to record what is computed from this Tensor.  Needs a floating or complex dtype.
    name : str, optional
        Shown in drawings and messages.

    Raises
    ------
    DTypeError
        If the data are not numbers, or `requires_grad` is asked of integers or booleans.

    Examples
    --------
    >>> import numpy as np, tinygrad_bp as tg
    >>> x = tg.tensor([1.0, 2.0], requires_grad=True)
    >>> np.sum(x * x).backward()
    >>> x.grad.tolist()
    [2.0, 4.0]
    """

    __slots__ = ("__weakref__", "_account", "_changed", "_label", "_looks_into", "_node", "_value")

    _value: Any
    _node: Node | None
    _account: Account  # of a leaf alone
    _changed: int  # the index from which it holds its value, if not from the first; see `changes`
    _label: str | None
    _looks_into: tuple[Any, Any] | None  # the Tensor that this stands for a view of; see `views`

    @answers
    def __init__(
        self,
        data: Any,
        *,
        dtype: Any = None,
        requires_grad: bool = False,
        name: str | None = None,
    ) -> None:
        value = private_copy(data, dtype)
        self._value = value
        self._node = self._looks_into = None
        if requires_grad:
            if value.dtype.kind not in "fc":
                raise DTypeError(
                    f"tensor: {value.dtype} cannot require gradients (a derivative needs a"
                    " continuous value); pass dtype=float or floating data"
                )
            self._account = Account()
            self._account.holder = held(self)
            self._node = Leaf(value.shape, value.dtype, name, self._account)
        if name is not None:
            self.name = name

    # What it is

    @property
    def shape(self) -> Shape:
        """Length of each dimension."""
        shape: Shape = self._value.shape
        return shape

    @shape.setter
    def shape(self, shape: Any) -> None:
        raise TrackedTensorError(f"shape: a Tensor keeps its shape; write x = x.reshape({shape})")

    @property
    def ndim(self) -> int:
        """Number of dimensions."""
        return len(self._value.shape)

    @property
    def size(self) -> int:
        """Number of elements."""
        return Size(self._value.size)

    @property
    def dtype(self) -> np.dtype[Any]:
        """Type of the elements."""
        dtype: np.dtype[Any] = self._value.dtype
        return dtype

    @property
    def name(self) -> str | None:
        """The name shown in drawings and messages, or None."""
        return getattr(self, "_label", None)

    @name.setter
    def name(self, name: str | None) -> None:
        self._label = name
        if self._node is not None:
            self._node.label = name
        else:
            name_array(self._value, name)

    @property
    def node(self) -> Node | None:
        """The place in the graph; None for a Tensor that tracks nothing."""
        return self._node

    @property
    def requires_grad(self) -> bool:
        """Whether operations on this Tensor are recorded."""
        return self._node is not None

    @requires_grad.setter
    def requires_grad(self, _: bool) -> None:
        raise TrackedTensorError(
            "requires_grad: a Tensor stays what it was made as; to track it write"
            " tg.tensor(x, requires_grad=True), to hold a parameter still leave it out of the"
            " optimizer"
        )

    @property
    def is_leaf(self) -> bool:
        """Whether no recorded operation made this Tensor."""
        return self._node is None or type(self._node) is Leaf

    @property
    def grad(self) -> Tensor | None:
        """The accumulated gradient of a leaf; None before a backward pass.

        Raises
        ------
        TrackedTensorError
            If an operation made this Tensor: its gradient is not kept.
        """
        if not self.is_leaf:
            raise TrackedTensorError(
                "grad: this Tensor is no leaf, so that its gradient is not kept:"
                " tg.gradients(loss, [tensor]) gives it.  If it was a parameter, update that in"
                " place, 'with tg.no_grad(): p -= lr * p.grad'"
            )
        account = self._node.account() if type(self._node) is Leaf else None
        return None if account is None else account.grad

    @grad.setter
    def grad(self, grad: Tensor | None) -> None:
        account = self._node.account() if type(self._node) is Leaf else None
        if account is None:
            raise TrackedTensorError("grad: only a leaf made with requires_grad=True carries .grad")
        if grad is not None and (not isinstance(grad, Tensor) or grad.shape != self.shape):
            raise TrackedTensorError(f"grad: expected None or a Tensor of shape {self.shape}")
        if grad is not None and grad.dtype != self.dtype:
            grad = grad.astype(self.dtype)  # always the leaf's dtype
        account.grad = grad

    def zero_grad(self) -> None:
        """Forget the accumulated gradient of a leaf: `.grad` becomes None."""
        if type(self._node) is Leaf:
            self.grad = None

    # Out of the graph

    def detach(self) -> Tensor:
        """Return a Tensor with this value that tracks nothing."""
        return wrap(self._value)

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> Any:
        """Convert for `numpy.asarray`; refused where it would lose a derivative."""
        if self._node is not None:
            raise leaves_the_graph("numpy.asarray")
        if copy is False and type(self._value) is np.ndarray:
            value = read_only(self._value)
            return value if dtype is None else np.asarray(value, dtype, copy=False)
        return np.array(self._value, dtype)

    def _number(self, convert: Callable[[Any], Any]) -> Any:
        if self._node is not None:
            raise leaves_the_graph(f"{convert.__name__}()")
        if self._value.size != 1:
            raise TypeError(f"{convert.__name__}: only one element converts, not {self.shape}")
        return convert(self._value.item())

    def __float__(self) -> float:
        return float(self._number(float))

    def __int__(self) -> int:
        return int(self._number(int))

    def __complex__(self) -> complex:
        return complex(self._number(complex))

    def __index__(self) -> int:
        if self.dtype.kind not in "iu":
            raise TypeError(f"a Tensor of {self.dtype} is no index; integers are needed")
        return self.__int__()

    def __round__(self, digits: int | None = None) -> Any:
        return round(self._number(float), digits)

    def __bool__(self) -> bool:
        return bool(self._value)

    # Data frames leave their operators to what asks for it, so that the error is ours.
    __pandas_priority__ = 5000

    def __init_subclass__(cls) -> None:
        raise TypeError("Tensor is not meant to be subclassed: wrap it, or use tg.nn.Module")

    def __len__(self) -> int:
        if not self.shape:
            raise TypeError("len() of a 0-d Tensor")
        return self.shape[0]

    def __contains__(self, item: Any) -> bool:
        return bool(np.any(self._value == (item._value if isinstance(item, Tensor) else item)))

    def __repr__(self) -> str:
        value = self._value
        text = (
            repr(value)  # in the words of its library: Dask would have to compute it
            if is_foreign(value)
            else np.array2string(np.asarray(value), prefix="Tensor(", separator=", ")
        )
        notes = [] if self.dtype == np.float64 else [f"dtype={self.dtype}"]
        if type(self._node) is Leaf:
            notes.append("requires_grad=True")
        elif self._node is not None:
            notes.append(f"from={self._node.rule.name}")
        if self.name is not None:
            notes.append(f"name={self.name!r}")
        return f"Tensor({', '.join([text, *notes])})"

    __hash__ = object.__hash__  # by identity: == compares elements, as ndarray's does

    def __copy__(self) -> Tensor:
        """Return another Tensor with the same value and place in the graph."""
        twin = wrap(self._value, self._node)
        if type(self._node) is Leaf:
            twin._account = self._account
            twin._account.unseen = True  # either may be given a value, and no record tells whose
        return twin


def wrap(value: Any, node: Node | None = None) -> Tensor:
    """Return a Tensor around `value` without copying it."""
    tensor = new(Tensor)
    tensor._value = value
    tensor._node = node
    tensor._looks_into = None
    return tensor


def unwrap(value: Any) -> Any:
    """Return the array inside a Tensor, anything else as it is; containers element by element."""
    kind = type(value)
    if kind is Tensor:
        return value._value
    if kind is list or kind is tuple:
        return kind([unwrap(one) for one in value])
    return value


def is_foreign(value: Any) -> bool:
    """Whether `value` is a duck array of another library: it is kept as it is, and never copied."""
    return hasattr(value, "__array_function__") and not isinstance(value, (np.ndarray, Tensor))


def private_copy(data: Any, dtype: Any = None) -> Any:
    """Return `data` as an array that nobody else can change; other duck arrays are kept.

    A 0-d array becomes a NumPy scalar, which is immutable and computes faster.
    """
    if type(data) is Tensor:
        data = data._value if data._node is None else data.__array__()
    _refuse_mask(data)
    if is_foreign(data):
        kept = dtype is None and not is_written_down(data)
        return data if kept else data.astype(data.dtype if dtype is None else dtype)
    try:
        value = np.array(data, dtype)
    except ValueError as error:
        raise DTypeError(f"tensor: {error}") from error
    if value.dtype.kind not in "biufc":
        raise DTypeError(
            f"tensor: expected numbers, got {type(data).__name__} of dtype {value.dtype}"
        )
    if not value.dtype.isnative:  # what is computed from it is: one dtype, not two
        value = value.astype(value.dtype.newbyteorder("="))
    return value if value.ndim else value[()]


def _refuse_mask(value: Any) -> None:
    """Raise for a masked array: no rule would know what its mask hides."""
    if type(value) is not np.ndarray and isinstance(value, np.ndarray) and hasattr(value, "filled"):
        raise DTypeError(
            "a masked array would lose its mask: pass .filled(value), and .mask as where="
        )


def operand(value: Any) -> Any:
    """Return a raw operand of a recorded operation: a number or a duck array."""
    kind = type(value)
    if kind in SCALARS:
        return value
    if kind is np.ndarray or isinstance(value, np.generic):
        if value.dtype.kind in "biufc":
            return value if value.shape else value[()]
    elif hasattr(value, "__array_function__") and kind is not Tensor:
        if isinstance(value, np.matrix):
            raise DTypeError("numpy.matrix gives * another meaning; pass numpy.asarray(matrix)")
        _refuse_mask(value)
        return value
    elif kind is list or kind is tuple:
        return operand(np.asarray(value))
    elif getattr(value, "__array_ufunc__", value) is None:  # NEP 13: it answers operators itself
        raise DeferredError(f"{kind.__name__} takes part in no NumPy function")
    elif isinstance(value, SCALARS):  # of a class of its own, as an IntEnum is
        base: type = next(one for one in SCALARS if isinstance(value, one))
        return base(value)
    remedy = "; pass its .to_numpy()" if hasattr(value, "to_numpy") else ""
    raise DTypeError(
        f"expected numbers, an array or a Tensor, got {kind.__name__}: {value!r:.80}{remedy}"
    )


def method(name: str, function: Any) -> None:
    """Attach `function` to Tensor as method or property `name`, which `attached` declares."""
    setattr(Tensor, name, declared(name, function))


@answers
def tensor(
    data: Any, *, dtype: Any = None, requires_grad: bool = False, name: str | None = None
) -> Tensor:
    """Make a Tensor; the same as the constructor `Tensor`, which says what it refuses.

    Parameters
    ----------
    data : array_like
        Copied.  Python floats become float64.
    dtype : dtype, optional
        As in `numpy.array`.
    requires_grad : bool, default False
        Whether to record what is computed from it.
    name : str, optional
        Shown in drawings and messages.

    Returns
    -------
    Tensor
    """
    made = new(Tensor)
    fill(made, data, dtype=dtype, requires_grad=requires_grad, name=name)
    return made


fill: Any = vars(Tensor.__init__)["__wrapped__"]  # a call of `tensor` is looked at once
answer(Tensor, OF_TENSOR)
