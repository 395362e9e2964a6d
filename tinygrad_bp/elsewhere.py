"""Names and keywords that people know from PyTorch, JAX or NumPy, and where the thing is here."""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterable
from typing import Any, TypeVar

import numpy as np

Function = TypeVar("Function", bound=Callable[..., Any])

ROOMS = {
    "nn": "ELU GELU GRU INITIALIZERS LSTM RNN AvgPool1d AvgPool2d BatchNorm Conv1d Conv2d"
    " Dropout Embedding Flatten GRUCell LSTMCell LayerNorm LeakyReLU Linear MaxPool1d"
    " MaxPool2d Module MultiHeadAttention RMSNorm RNNCell ReLU Residual Sequential SiLU"
    " Sigmoid Softmax Softplus Tanh TransformerBlock bce_with_logits binary_cross_entropy"
    " cross_entropy focal hinge huber kl_divergence load_torch mse poisson",
    "optim": "EMA SGD SWA Adagrad Adam AdamW Lion Minimum Optimizer RMSprop ReduceOnPlateau"
    " clip_grad_norm clip_grad_value minimize schedules",
    "data": "GENERATORS Dropped Table batches circles generate holdout_split moons penguins"
    " read_csv read_features spiral split xor",
    "files": "atomic_write_bytes atomic_write_text read_model write_model",
    "parallel": "Cluster Ranks Shards",
    "training": "Checkpoint EarlyStopping History Live Loop Observe Probe fit",
    "testing": "check_grads check_vjp complex_step gradients_hold richardson strategies"
    " GradientMismatch Report UncheckableError UncheckablePointError",
}
FUNCTIONS = (
    "affine checkpoint compile convolution debug differentiable enable_grad explain gelu grad"
    " gradients graph hessian hvp jacobian jvp load log_softmax logsumexp no_grad program relu"
    " save scope sigmoid silu softmax softplus tensor value_and_grad vjp vmap"
)
LEAF = "write tg.tensor(array, requires_grad=True)"
NUMPYS = "the package records NumPy's own functions: import numpy as np, and call"
DRAWS = "draw with NumPy: tg.tensor(np.random.default_rng(seed).normal(size=shape))"
NO_DEVICE = "NumPy computes on the processor: there is no device to choose"
COMPILER = "tg.compile makes native code of a function"
OWN_MODULE = "there is no such layer: write a tg.nn.Module with a forward() in NumPy's words"
LISTED = "a plain list, tuple or dict of modules in an attribute is searched for parameters"
SCHEDULED = "a schedule is a function of the epoch: see tg.optim.schedules"
FEW = "there is no such optimizer: tg.optim has SGD, RMSprop, Adagrad, Adam, AdamW and Lion"
KNOWN = {
    **{name: f"it is tg.{room}.{name}" for room, names in ROOMS.items() for name in names.split()},
    **{name: f"it is tg.{name}" for name in FUNCTIONS.split()},
    **dict.fromkeys(("Parameter", "Variable", "as_tensor", "from_numpy"), LEAF),
    **dict.fromkeys(("randn", "rand", "manual_seed", "random", "seed"), DRAWS),
    **dict.fromkeys(("cuda", "device", "devices", "device_put", "set_default_device"), NO_DEVICE),
    "jit": COMPILER,
    **dict.fromkeys(("DataLoader", "TensorDataset", "Dataset"), "it is tg.data.batches"),
    **dict.fromkeys(("random_split", "train_test_split"), "it is tg.data.split"),
    **dict.fromkeys(("one_hot", "to_categorical"), "write np.eye(classes)[labels]"),
    "ModelCheckpoint": "it is tg.training.Checkpoint",
    "Trainer": "it is tg.training.fit",
    "LearningRateScheduler": "it is tg.training.fit(…, schedule=…): see tg.optim.schedules",
    "Lambda": "put the function itself into a tg.nn.Sequential",
    "lax": "write Python loops, and tg.compile(f)",
    **dict.fromkeys(("inference_mode", "set_grad_enabled"), "it is tg.no_grad"),
    **dict.fromkeys(("jacfwd", "jacrev"), "it is tg.jacobian"),
    **dict.fromkeys(("make_jaxpr", "make_fx", "symbolic_trace"), "it is tg.program"),
    "autograd": "write loss.backward(), or tg.grad(function)",
    "custom_vjp": "it is tg.differentiable",
    "stop_gradient": "write x.detach()",
    "gradcheck": "it is tg.testing.check_grads",
    **dict.fromkeys(("numpy", "np"), "import numpy as np: its own functions take Tensors"),
    **{
        torchs: f"{NUMPYS} np.{numpys}"
        for torchs, numpys in {
            "cat": "concatenate",
            "mm": "matmul",
            "bmm": "matmul",
            "clamp": "clip",
            "sub": "subtract",
            "mul": "multiply",
            "div": "divide",
            "masked_fill": "where",
        }.items()
    },
    **dict.fromkeys(("ModuleList", "ModuleDict", "ParameterList", "ParameterDict"), LISTED),
    **dict.fromkeys(
        ("functional", "F"), "functions are at the top: tg.relu, tg.softmax; tg.nn.mse"
    ),
    **{
        theirs: f"it is tg.nn.{ours}"
        for theirs, ours in {
            "Dense": "Linear",
            "Conv": "Conv2d",
            "BatchNorm1d": "BatchNorm",
            "BatchNorm2d": "BatchNorm",
            "dropout": "Dropout",
            "Embed": "Embedding",
            "MultiheadAttention": "MultiHeadAttention",
            "TransformerEncoderLayer": "TransformerBlock",
            "Swish": "SiLU",
        }.items()
    },
    "clip_grad_norm_": "it is tg.optim.clip_grad_norm",
    "clip_grad_value_": "it is tg.optim.clip_grad_value",
    "Transformer": "put tg.nn.TransformerBlock into a tg.nn.Sequential",
    **dict.fromkeys(
        ("GroupNorm", "Bilinear", "ConvTranspose2d", "Dropout1d", "Dropout2d"), OWN_MODULE
    ),
    "init": "pass Linear(…, init=name) one of tg.nn.INITIALIZERS",
    "Identity": "leave it out, or write a tg.nn.Module that returns x",
    "LogSoftmax": "write tg.log_softmax(x) in forward()",
    **{
        theirs: f"it is tg.nn.{ours}"
        for theirs, ours in {
            "HuberLoss": "huber",
            "huber_loss": "huber",
            "SmoothL1Loss": "huber",
            "KLDivLoss": "kl_divergence",
            "kl_div": "kl_divergence",
            "PoissonNLLLoss": "poisson",
            "MSELoss": "mse",
            "mse_loss": "mse",
            "BCELoss": "binary_cross_entropy",
            "BCEWithLogitsLoss": "bce_with_logits",
            "binary_cross_entropy_with_logits": "bce_with_logits",
            "sigmoid_binary_cross_entropy": "bce_with_logits",
            "CrossEntropyLoss": "cross_entropy",
            "NLLLoss": "cross_entropy",
            "softmax_cross_entropy_with_integer_labels": "cross_entropy",
        }.items()
    },
    **dict.fromkeys(("lr_scheduler", "StepLR", "CosineAnnealingLR", "ExponentialLR"), SCHEDULED),
    **dict.fromkeys(("Adadelta", "Adamax", "NAdam", "RAdam", "Rprop"), FEW),
    "LBFGS": "it is tg.optim.minimize, by SciPy",
    "ReduceLROnPlateau": "it is tg.optim.ReduceOnPlateau",
    **dict.fromkeys(
        ("DataParallel", "DistributedDataParallel", "pmap", "psum", "distributed"),
        "it is tg.parallel.Ranks, for tg.training.fit(…, parallel=…)",
    ),
    "AveragedModel": "it is tg.optim.EMA, or tg.optim.SWA",
}


def where_it_is(name: str) -> str:
    """Return what to write for a name that is not where it was looked for, or nothing."""
    known = KNOWN.get(name, "")
    if not known and not name.startswith("_") and callable(getattr(np, name, None)):
        known = f"{NUMPYS} np.{name}"
    return known


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
    **{
        name: f"{NUMPY_FUNCTION}{name}(x)"
        for name in ("exp", "log", "sqrt", "sin", "cos", "abs", "matmul", "square", "log1p")
    },
}
OF_MODULE = {
    **dict.fromkeys(("cuda", "cpu", "to"), SAME_DEVICE),
    "state_dict": STATE.format("module"),
    "load_state_dict": LOADED.format("module"),
    "fit": "write tg.training.fit(model, loss, (X, y), optimizer, epochs=…)",
    "compile": "pass loss and optimizer to tg.training.fit; its compile=True makes native code",
    "predict": "write model(X)",
    "evaluate": "write loss(model(X), y), under tg.no_grad()",
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


def answer(kind: type, places: dict[str, str]) -> None:
    """Let the attributes that `kind` lacks answer with where the thing is."""
    for name, place in places.items():
        setattr(kind, name, Elsewhere(name, place))

    def names(self: Any) -> list[str]:
        return [name for name in object.__dir__(self) if name not in places]

    setattr(kind, "__dir__", names)  # noqa: B010  # they are not there


# Keywords that people know, and what to write instead.
KEYWORDS = {
    **dict.fromkeys(("dim", "dims"), "NumPy's word is axis="),
    "keepdim": "NumPy's word is keepdims=",
    "unbiased": "write ddof=1 for unbiased=True, ddof=0 for False",
    "descending": "sort, and turn around: np.sort(x)[::-1]",
    **dict.fromkeys(("dim0", "dim1"), "write np.swapaxes(x, axis1, axis2)"),
    **dict.fromkeys(("start_dim", "end_dim"), "write x.reshape(shape)"),
    "device": NO_DEVICE,
    "gradient": "the word is cotangent=",
    **dict.fromkeys(("argnum", "wrt"), "the word is argnums="),
    "has_aux": "the function returns the loss alone",
    **dict.fromkeys(("in_dims", "in_dim"), "the word is in_axes="),
    **dict.fromkeys(("out_dims", "out_dim"), "the word is out_axes="),
    **dict.fromkeys(("static_argnums", "static_argnames"), "the word is static="),
    **dict.fromkeys(("learning_rate", "eta"), "the word is lr="),
    **dict.fromkeys(
        ("b1", "b2", "beta1", "beta2", "beta_1", "beta_2"), "the word is betas=, a pair"
    ),
    **dict.fromkeys(("validation_data", "validation_split"), "the word is validation="),
    "verbose": "the word is progress=",
    "shuffle": "rows are shuffled by rng=, unless the data are batches",
    "monitor": "the word is metric=",
    "test_size": "the word is fraction=",
    "activation": "an activation is the next layer: tg.nn.Sequential(layer, tg.nn.ReLU())",
    "batch_first": "samples come first here, then time",
    "in_features": "the word is n_in=",
    "out_features": "the word is n_out=",
}


def answered(error: TypeError, keywords: Iterable[str]) -> TypeError:
    """Return the error of a call with these keywords, with the word that is meant if known."""
    for name in keywords:
        if name in KEYWORDS and f"unexpected keyword argument '{name}'" in str(error):
            return TypeError(f"{error}: {KEYWORDS[name]}")
    return error


def unexpected(function: str, keywords: Iterable[str]) -> TypeError:
    """Return the error of a call of `function` with keywords that it does not have."""
    first = next(iter(keywords))
    return answered(
        TypeError(f"{function}() got an unexpected keyword argument '{first}'"), keywords
    )


def answers_keywords(function: Function) -> Function:
    """Let `function` say which keyword is meant, where one is given that people know.

    Every call takes a fifth of a microsecond longer.  A function of every step takes any keyword
    instead, and raises `unexpected`.
    """

    @functools.wraps(function)
    def called(*args: Any, **kwargs: Any) -> Any:
        try:
            return function(*args, **kwargs)
        except TypeError as error:
            raise answered(error, kwargs) from error.__cause__

    return called  # type: ignore[return-value]  # same signature
