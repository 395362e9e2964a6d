"""Names that people know from PyTorch, JAX or NumPy, and where the thing is here."""

from __future__ import annotations

from collections.abc import Callable
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
    **dict.fromkeys(("is_tensor", "isTensor"), "write isinstance(x, tg.Tensor)"),
    **dict.fromkeys(("constant", "Value"), LEAF),
    "GradientTape": "write loss.backward(), or tg.grad(function)",
    **dict.fromkeys(("func", "functorch"), "it is tg.grad, tg.vmap, tg.jacobian, tg.hessian"),
    **dict.fromkeys(("function", "njit"), COMPILER),
    **dict.fromkeys(("layers", "models", "keras", "linen", "losses"), "see tg.nn"),
    **dict.fromkeys(("optimizers", "optax"), "see tg.optim"),
    **dict.fromkeys(("callbacks", "engine"), "see tg.training"),
    "metrics": "pass functions by name to tg.training.fit(…, metrics=…)",
    "utils": "see tg.data for batches, tg.optim for tg.optim.clip_grad_norm",
    "backends": NO_DEVICE,
    **dict.fromkeys(("is_available", "synchronize", "set_num_threads"), NO_DEVICE),
    **dict.fromkeys(("Input", "InputLayer"), "leave it out: the first layer knows its n_in"),
    **dict.fromkeys(("pytree", "tree_map", "tree"), "nested dicts, lists and tuples are taken"),
    **dict.fromkeys(("is_grad_enabled",), "write with tg.no_grad():, or tg.enable_grad()"),
}


def where_it_is(name: str) -> str:
    """Return what to write for a name that is not where it was looked for, or nothing."""
    known = KNOWN.get(name, "")
    if not known and not name.startswith("_") and callable(getattr(np, name, None)):
        known = f"{NUMPYS} np.{name}"
    return known
