"""Names that people know from PyTorch, JAX or NumPy, and where the thing is here."""

from __future__ import annotations

import numpy as np

ROOMS = {
    "nn": "Linear Module ReLU Sequential Sigmoid Tanh INITIALIZERS bce_with_logits"
    " binary_cross_entropy cross_entropy mse",
    "optim": "SGD Adam AdamW Optimizer schedules",
    "files": "atomic_write_bytes atomic_write_text read_model write_model",
    "testing": "check_grads check_vjp complex_step gradients_hold richardson strategies"
    " GradientMismatch Report UncheckableError UncheckablePointError",
}
FUNCTIONS = (
    "affine checkpoint debug differentiable enable_grad gelu grad gradients graph hessian hvp"
    " jacobian jvp log_softmax logsumexp no_grad relu scope sigmoid silu softmax softplus tensor"
    " value_and_grad vjp vmap"
)
LEAF = "write tg.tensor(array, requires_grad=True)"
NUMPYS = "the package records NumPy's own functions: import numpy as np, and call"
DRAWS = "draw with NumPy: tg.tensor(np.random.default_rng(seed).normal(size=shape))"
NO_DEVICE = "NumPy computes on the processor: there is no device to choose"
NO_COMPILER = "there is nothing to compile: call the function itself"
OWN_MODULE = "there is no such layer: write a tg.nn.Module with a forward() in NumPy's words"
LISTED = "a plain list, tuple or dict of modules in an attribute is searched for parameters"
DROPOUT = "there is no such layer: in forward(), x * (rng.random(x.shape) >= p) / (1 - p)"
NORMALIZED = (
    "there is no such layer: write a tg.nn.Module that takes np.mean and np.std of its"
    " input; running means in its attributes are saved by state()"
)
SCHEDULED = "a schedule is a function of the epoch: see tg.optim.schedules"
FEW = "there is no such optimizer: tg.optim has SGD, Adam and AdamW"
KNOWN = {
    **{name: f"it is tg.{room}.{name}" for room, names in ROOMS.items() for name in names.split()},
    **{name: f"it is tg.{name}" for name in FUNCTIONS.split()},
    "save": "write tg.files.write_model(path, model.state(), {})",
    "load": "write arrays, notes = tg.files.read_model(path); model.load_state(arrays)",
    **dict.fromkeys(("Parameter", "Variable", "as_tensor", "from_numpy"), LEAF),
    **dict.fromkeys(("randn", "rand", "manual_seed", "random", "seed"), DRAWS),
    **dict.fromkeys(("cuda", "device", "devices", "device_put", "set_default_device"), NO_DEVICE),
    **dict.fromkeys(("jit", "compile"), NO_COMPILER),
    **dict.fromkeys(("inference_mode", "set_grad_enabled"), "it is tg.no_grad"),
    **dict.fromkeys(("jacfwd", "jacrev"), "it is tg.jacobian"),
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
    **dict.fromkeys(("Dropout", "Dropout1d", "Dropout2d", "dropout"), DROPOUT),
    **dict.fromkeys(
        ("BatchNorm1d", "BatchNorm2d", "BatchNorm", "LayerNorm", "GroupNorm", "RMSNorm"),
        NORMALIZED,
    ),
    **dict.fromkeys(
        (
            *("Conv1d", "Conv2d", "Conv", "MaxPool2d", "AvgPool2d", "Embedding", "Embed"),
            *("RNN", "LSTM", "GRU", "MultiheadAttention", "Transformer", "Bilinear"),
        ),
        OWN_MODULE,
    ),
    **dict.fromkeys(("ModuleList", "ModuleDict", "ParameterList", "ParameterDict"), LISTED),
    **dict.fromkeys(
        ("functional", "F"), "functions are at the top: tg.relu, tg.softmax; tg.nn.mse"
    ),
    "Dense": "it is tg.nn.Linear",
    "init": "pass Linear(…, init=name) one of tg.nn.INITIALIZERS",
    "Flatten": "write x.reshape(len(x), -1) in forward()",
    "Identity": "leave it out, or write a tg.nn.Module that returns x",
    "LeakyReLU": "write np.where(x > 0, x, 0.01 * x) in forward()",
    **{
        layer: f"write tg.{function}(x) in forward()"
        for layer, function in {
            "Softmax": "softmax",
            "LogSoftmax": "log_softmax",
            "GELU": "gelu",
            "SiLU": "silu",
            "Softplus": "softplus",
        }.items()
    },
    **{
        theirs: f"it is tg.nn.{ours}"
        for theirs, ours in {
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
    **dict.fromkeys(
        ("RMSprop", "Adagrad", "Adadelta", "Adamax", "NAdam", "RAdam", "LBFGS", "Rprop"), FEW
    ),
}


def where_it_is(name: str) -> str:
    """Return what to write for a name that is not where it was looked for, or nothing."""
    known = KNOWN.get(name, "")
    if not known and not name.startswith("_") and callable(getattr(np, name, None)):
        known = f"{NUMPYS} np.{name}"
    return known
