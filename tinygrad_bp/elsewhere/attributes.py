"""Attributes that people know from PyTorch, JAX or Keras, and what to write here."""

from __future__ import annotations

from typing import Any

import numpy as np

from tinygrad_bp.errors import warn_user

NUMPY_FUNCTION = "write NumPy's own function, np."
SAME_DEVICE = "leave it out: NumPy computes on the processor"
DEVICE_OR_DTYPE = "write .astype(dtype) for a dtype; for a device leave it out: there is one"
STATE = "write arrays = {}.state()"
LOADED = "write {}.load_state(arrays)"
ARRAYS_ALONE = "base byteswap ctypes dump dumps flags flat itemsize nbytes strides tobytes tofile"
# Attributes of Tensors, modules and optimizers that people know.
OF_TENSOR = {
    **dict.fromkeys(("cuda", "cpu", "device", "contiguous", "block_until_ready"), SAME_DEVICE),
    "to": DEVICE_OR_DTYPE,
    "data": "write .detach() for a Tensor, .numpy() for a read-only array",
    "values": "write .numpy()",
    "to_numpy": "write .numpy()",
    "view": "write .reshape(shape)",
    "permute": "write .transpose(axes)",
    "t": "write .T",
    "unsqueeze": "write np.expand_dims(x, axis), or x[..., None]",
    "expand": "write np.broadcast_to(x, shape)",
    "numel": "write .size",
    "dim": "write .ndim",
    "clone": "write .copy()",
    "requires_grad_": "write tg.tensor(array, requires_grad=True)",
    **dict.fromkeys(("is_cuda", "pin_memory", "is_contiguous", "share_memory_"), SAME_DEVICE),
    "detach_": "write x = x.detach()",
    "eval": "leave it out: values are computed at once",
    **dict.fromkeys(("realize", "compute"), "leave it out: values are computed at once"),
    "nelement": "write .size",
    **dict.fromkeys(("stride", "storage", "untyped_storage"), "write .numpy() for the plain array"),
    "element_size": "write .dtype.itemsize",
    "get_shape": "write .shape",
    "set_shape": "write x = x.reshape(shape)",
    "H": "write x.conj().T",
    **dict.fromkeys(("int", "bool"), "write .astype(int) or .astype(bool)"),
    **dict.fromkeys(
        ("new_zeros", "new_ones", "new_tensor", "new_full"), "write np.zeros(shape), or np.ones"
    ),
    **dict.fromkeys(("unbind", "chunk"), "write np.split(x, parts, axis), or a loop over x"),
    **dict.fromkeys(("narrow", "masked_select"), "write x[index]"),
    "topk": "write np.sort(x, axis)[..., -k:], or x[np.argsort(x.detach())]",
    **dict.fromkeys(
        ("masked_fill_", "index_put_", "clamp_", "relu_", "normal_", "uniform_", "copy_"),
        "values do not change in place: write x = …, or x[index] = value",
    ),
    **dict.fromkeys(
        ("assign", "assign_add", "assign_sub"), "write with tg.no_grad(): x[...] = value"
    ),
    "requires_gradient": "write .requires_grad",
    **{name: f"write tg.{name}(x, axis)" for name in ("log_softmax", "logsumexp")},
    **{name: f"write tg.{name}(x)" for name in ("softplus", "gelu", "silu")},
    "type_as": "write .astype(other.dtype)",
    "view_as": "write .reshape(other.shape)",
    "expand_as": "write np.broadcast_to(x, other.shape)",
    "index_fill": "write y = x.copy(); y[index] = value",
    **{
        theirs: f"write x {sign} y"
        for theirs, sign in {
            "add": "+",
            "sub": "-",
            "mul": "*",
            "div": "/",
            "rsub": "-",
            "eq": "==",
            "ne": "!=",
            "lt": "<",
            "le": "<=",
            "gt": ">",
            "ge": ">=",
        }.items()
    },
    "neg": "write -x",
    **dict.fromkeys(
        ("zeros", "ones", "randn", "rand", "eye", "full", "arange"),
        "write tg.tensor(array), of an array that NumPy makes",
    ),
    "retain_grad": "write tg.gradients(loss, [tensor])",
    "grad_fn": "write .node, or tg.graph(tensor) to look at it",
    "register_hook": "write tg.hook(x, function)",
    "float": "write .astype(np.float32)",
    "double": "write .astype(np.float64)",
    "half": "write .astype(np.float16)",
    "long": "write .astype(np.int64)",
    "type": "write .astype(dtype)",
    **{
        name: f"write .numpy().{name}: only the plain array has it" for name in ARRAYS_ALONE.split()
    },
    "append": "write np.concatenate, or append .item() to a list",
    "pow": "write x ** y",
    **dict.fromkeys(("clamp", "clamp_min", "clamp_max"), "write np.clip(x, low, high)"),
    **dict.fromkeys(("mm", "bmm", "mv"), "write x @ y"),
    "at": "write y = x.copy(); y[index] = value",
    "softmax": "write tg.softmax(x, axis)",
    "masked_fill": "write np.where(mask, value, x)",
    "fill": "write x[...] = value",
    "itemset": "write x[index] = value",
    "resize": "write x = np.resize(x, shape)",
    "setflags": "write .copy() for values of its own",
    **dict.fromkeys(("scatter", "scatter_", "index_add", "index_add_"), "write np.add.at(y, i, x)"),
    **dict.fromkeys(
        ("gather", "index_select"), "write x[index], or np.take_along_axis(x, i, axis)"
    ),
    "norm": "write np.linalg.norm(x)",
    **{f"{name}_": "values do not change in place: write x = …" for name in ("zero", "fill")},
    **{
        f"{name}_": f"write x {sign}= y"
        for name, sign in {"add": "+", "sub": "-", "mul": "*", "div": "/"}.items()
    },
}
# NumPy's functions, which others have as methods.
OF_TENSOR |= {
    name: f"{NUMPY_FUNCTION}{name}(x)"
    for name in (
        *sorted(name for name, one in vars(np).items() if isinstance(one, np.ufunc)),
        *[
            "allclose",
            "isclose",
            "outer",
            "tile",
            "split",
            "flip",
            "roll",
            "unique",
            "tril",
            "triu",
            "diag",
            "median",
            "cross",
        ],
        *[
            "einsum",
            "kron",
            "histogram",
            "bincount",
            "stack",
            "concatenate",
            "where",
            "average",
            "nanmean",
            "nansum",
        ],
        *[
            "array_equal",
            "interp",
            "pad",
            "diff",
            "broadcast_to",
            "expand_dims",
            "moveaxis",
            "norm",
        ],
    )
    if name not in OF_TENSOR and name != "tanh" and not hasattr(np.ndarray, name)
}
OF_MODULE = {
    **dict.fromkeys(("cuda", "cpu", "to"), SAME_DEVICE),
    "state_dict": STATE.format("module"),
    "load_state_dict": LOADED.format("module"),
    "fit": "write tg.training.fit(model, loss, (X, y), optimizer, epochs=…)",
    "compile": "pass loss and optimizer to tg.training.fit; its compile=True makes native code",
    "predict": "write model(X)",
    "evaluate": "write loss(model(X), y), under tg.no_grad()",
    **dict.fromkeys(("modules", "children", "named_children"), "write .named_modules()"),
    **dict.fromkeys(
        ("weights", "trainable_variables", "trainable_weights", "variables", "params"),
        "write .parameters(), or .named_parameters()",
    ),
    **dict.fromkeys(("get_weights", "named_buffers", "buffers"), "write .state()"),
    **dict.fromkeys(("set_weights",), LOADED.format("module")),
    **dict.fromkeys(("weight", "kernel"), "a Linear has W, and b"),
    **dict.fromkeys(("add", "append"), "write tg.nn.Sequential(*network.layers, layer)"),
    **dict.fromkeys(("save", "save_weights"), "write tg.save(module, path)"),
    **dict.fromkeys(("load", "load_weights"), "write tg.load(path, module)"),
    "backward": "write loss.backward(), of the Tensor that is small when all is well",
    "requires_grad_": "write .freeze(), or .unfreeze()",
    **dict.fromkeys(("share_memory", "device", "type"), SAME_DEVICE),
    **dict.fromkeys(("train_on_batch", "train_step"), "write a loop, or tg.training.fit(…)"),
    **dict.fromkeys(
        ("register_forward_hook", "register_hook"), "write tg.hook(x, function) in forward()"
    ),
    **dict.fromkeys(("count_params", "num_parameters"), "write .summary(sample)"),
    "init": "the weights are there once a layer is made",
    "register_buffer": "set an array as an attribute: state() saves it",
    "register_parameter": "set a Tensor with requires_grad=True as an attribute",
    **dict.fromkeys(("double", "float", "half"), "choose the dtype when the layers are made"),
}
OF_OPTIMIZER = {
    "state_dict": STATE.format("optimizer"),
    "load_state_dict": LOADED.format("optimizer"),
    "param_groups": "pass groups, dicts of params, scale and weight_decay; optimizer.lr scales all",
    **dict.fromkeys(("update", "apply_updates"), "write loss.backward(); optimizer.step()"),
    "minimize": "write loss.backward(); optimizer.step()",
    **dict.fromkeys(("learning_rate", "set_lr", "get_lr"), "write optimizer.lr"),
    **dict.fromkeys(("add_param_group", "parameters"), "pass groups to a new optimizer"),
    **dict.fromkeys(("apply_gradients", "apply"), "write loss.backward(); optimizer.step()"),
    "init": "the state begins with the optimizer",
}


OF_VIEW = {
    **dict.fromkeys(("render", "write", "export", "savefig"), "write .save(path)"),
    **dict.fromkeys(
        ("show", "view", "plot", "display"),
        "write .save('graph.html') and open that, or end a notebook's cell with the view",
    ),
    "source": "write .to_dot()",
    "pipe": "write .to_svg()",
}
OF_ESTIMATOR = {
    **dict.fromkeys(("predict_classes",), "write .predict(X)"),
    **dict.fromkeys(("weights", "coefs_", "coef_", "parameters"), "write .network_.state()"),
    **dict.fromkeys(("transform", "fit_transform"), "write .predict(X), or .predict_proba(X)"),
    **dict.fromkeys(("summary", "forward"), "write .network_.summary(X), or .network_(X)"),
    **dict.fromkeys(("evaluate", "accuracy"), "write .score(X, y)"),
}
# Attributes that people set, which nobody reads here.
UNREAD = {
    "trainable": "write .freeze(), or .unfreeze()",
    "requires_grad": "write .freeze(), or .unfreeze()",
}


class Elsewhere:
    """An attribute that is not there, and says what to write instead.

    Not a `__getattr__`, which would slow down every look at what is there.
    """

    def __init__(self, name: str, place: str) -> None:
        self.name = name
        self.place = place

    def __get__(self, instance: Any, owner: type) -> Any:
        raise AttributeError(
            f"{owner.__name__!r} object has no attribute {self.name!r}: {self.place}"
        )


class Setting(Elsewhere):
    """The same for what would be set, and read by nobody."""

    def __set__(self, instance: Any, value: Any) -> None:
        self.__get__(instance, type(instance))


class Unread(Elsewhere):
    """The same for what may be set, with a warning."""

    def __get__(self, instance: Any, owner: type) -> Any:
        """Return what was set, after all."""
        if instance is not None and self.name in vars(instance):
            return vars(instance)[self.name]
        return super().__get__(instance, owner)

    def __set__(self, instance: Any, value: Any) -> None:
        warn_user(f"{type(instance).__name__}.{self.name}: nothing reads this: {self.place}")
        vars(instance)[self.name] = value


class Size(int):
    """A number of elements, which others call to get a shape."""

    def __call__(self, *_axis: Any) -> Any:
        """Say what is meant."""
        raise TypeError("size is the number of elements: write .shape, or .shape[axis]")

    def __reduce__(self) -> Any:
        """Be copied and pickled as the number alone."""
        return int, (int(self),)


def answer(kind: type, places: dict[str, str], by: type[Elsewhere] = Elsewhere) -> None:
    """Let the attributes that `kind` lacks answer with where the thing is."""
    for name, place in places.items():
        setattr(kind, name, by(name, place))
    there: Any = kind.__dir__

    def names(self: Any) -> list[str]:
        return [name for name in there(self) if name not in places]

    setattr(kind, "__dir__", names)  # noqa: B010  # they are not there
