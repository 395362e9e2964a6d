"""Calls that do not fit: which keyword is meant, how the function is called, what it expected."""

from __future__ import annotations

import collections.abc
import functools
import inspect
import re
import sys
import traceback
import types
import typing
from collections.abc import Callable, Iterable, Mapping, Sequence
from numbers import Complex, Integral, Real
from typing import Any, TypeVar

import numpy as np

Function = TypeVar("Function", bound=Callable[..., Any])

# Parameters of this package, and what others call them.
CALLED_ELSEWHERE = {
    "axis": "dim dims",
    "keepdims": "keepdim keep_dims",
    "argnums": "argnum wrt",
    "wrt": "argnums inputs var variable variables",
    "cotangent": "gradient grad_output grad_tensors",
    "cotangents": "grad_outputs output_gradients",
    "in_axes": "in_dims in_dim",
    "out_axes": "out_dims out_dim",
    "static": "static_argnums static_argnames",
    "vjp": "backward bwd fwd_bwd",
    "lr": "learning_rate eta step_size",
    "learning_rate": "lr eta",
    "betas": "b1 b2 beta1 beta2 beta_1 beta_2",
    "eps": "epsilon",
    "decay": "rho alpha smoothing_constant",
    "params": "parameters model_params variables",
    "n_in": "in_features in_channels input_size input_dim num_features",
    "n_out": "out_features out_channels output_dim output_size units filters features",
    "n_hidden": "hidden_size hidden_units units",
    "n": "num_features normalized_shape n_samples num_samples",
    "kernel": "kernel_size pool_size",
    "symbols": "num_embeddings vocab_size input_dim",
    "width": "embed_dim embedding_dim d_model output_dim",
    "heads": "num_heads nhead n_heads",
    "p": "rate prob",
    "slope": "negative_slope",
    "bias": "use_bias",
    "init": "kernel_initializer initializer weight_init",
    "rng": "seed random_state generator key shuffle",
    "seed": "random_state rng",
    "random_state": "seed rng",
    "weights": "weight sample_weight",
    "data": "x y train_data dataset dataloader train_loader",
    "loss": "loss_fn criterion loss_function cost",
    "model": "net network module",
    "epochs": "num_epochs max_epochs n_epochs nb_epoch max_iter iterations n_iter",
    "max_epochs": "epochs max_iter n_iter num_epochs",
    "max_iterations": "maxiter max_iter epochs",
    "batch_size": "batch size",
    "size": "batch_size batch",
    "validation": "validation_data validation_split val_data eval_set",
    "progress": "verbose",
    "schedule": "scheduler lr_scheduler",
    "metric": "monitor",
    "restore": "restore_best_weights restore_best",
    "highest": "mode",
    "path": "filepath filename file fname f",
    "fraction": "test_size train_size ratio",
    "target": "label labels y target_column label_column",
    "features": "usecols columns feature_columns",
    "limit": "max_norm clip_value max_value",
    "delta": "beta",
    "prediction": "input y_pred output",
    "targets": "target y_true labels",
    "logits": "input y_pred output",
    "labels": "target targets y_true",
    "rtol": "tol rel_tol",
}
NO_DEVICE = "leave it out: NumPy computes on the processor, and there is no device to choose"
NOT_IN_PLACE = "leave it out: values do not change in place"
TOLERANCES = "leave it out: the tolerance comes from the dtype and the oracle's own error"
# What has no parameter here, and what to write instead.
ANSWERS = {
    **dict.fromkeys(("device", "map_location", "non_blocking", "pin_memory"), NO_DEVICE),
    **dict.fromkeys(("inplace", "copy_"), NOT_IN_PLACE),
    **dict.fromkeys(("eps", "atol", "raise_exception"), TOLERANCES),
    **dict.fromkeys(("dim0", "dim1"), "write np.swapaxes(x, axis1, axis2)"),
    **dict.fromkeys(("start_dim", "end_dim"), "write x.reshape(shape)"),
    "unbiased": "write ddof=1 for unbiased=True, ddof=0 for False",
    "descending": "sort, and turn around: np.sort(x)[::-1]",
    "has_aux": "the function returns the loss alone",
    "allow_unused": "leave it out: what no output depends on gets zeros",
    "inputs": "write tg.gradients(loss, inputs)",
    **dict.fromkeys(("validation_data", "validation_split"), "the word is validation="),
    **dict.fromkeys(("lr", "learning_rate"), "the optimizer has it: see optimizer.lr"),
    **dict.fromkeys(
        ("patience", "early_stopping"), "write callbacks=[tg.training.EarlyStopping(patience)]"
    ),
    **dict.fromkeys(
        ("clipnorm", "max_grad_norm", "grad_clip"), "see tg.optim.clip_grad_norm(params, limit)"
    ),
    "set_to_none": "leave it out: .grad becomes None",
    "force": "write .detach().numpy() of a Tensor that is tracked",
    "shuffle": "rows are shuffled by rng=, unless the data are batches",
    "activation": "an activation is the next layer: tg.nn.Sequential(layer, tg.nn.ReLU())",
    "batch_first": "samples come first here, then time",
    "num_layers": "put several into a tg.nn.Sequential",
    **dict.fromkeys(("reduce", "size_average"), "write reduction='mean', 'sum' or 'none'"),
    **dict.fromkeys(("sep", "delimiter"), "leave it out: comma, semicolon and tab are recognised"),
    "header": "leave it out: the first line names the columns",
}
MISSING: Any = object()  # the default of an argument of which a function says itself that it lacks
LONGEST = 300  # characters of a call that is shown
HIDDEN = {"self", "elsewhere"}  # nobody gives these
PLAIN = (TypeError, ValueError, AttributeError)  # and not a kind of these, which was meant
OURS = re.compile(r"(?!open)\w+: ")  # how a message begins that says what it is about
WITHIN = "of_a_function_within"  # an error with it may be that of a function nearer to the user
UNIONS = (typing.Union, types.UnionType)
NUMBERS = {int: Integral, float: Real, complex: Complex, bool: Integral}
PYTHONS = (str, int, float, complex, list, tuple, dict, set)  # a value of these is no other class's
ROOTS = {"tinygrad_bp", "numpy", "scipy", *sys.stdlib_module_names}
# The types that are looked at, and what they are called.
WORDS = {
    int: "an integer",
    float: "a number",
    complex: "a number",
    bool: "True or False",
    str: "a string",
    type(None): "None",
    Sequence: "a list or tuple",
    Iterable: "a list or tuple",
    Mapping: "a dict",
    list: "a list",
    tuple: "a tuple",
    dict: "a dict",
    collections.abc.Callable: "a function",
}


def answered(error: TypeError, function: Any, keywords: Iterable[str], name: str = "") -> TypeError:
    """Return the error of a call that does not fit, with what is meant and how it is called.

    An error that has come from within the function is returned as it is.

    Parameters
    ----------
    error : TypeError
        Caught where `function` was called.
    function : callable
        What was called, with the signature that people see.
    keywords : iterable of str
        Those of the call.
    name : str, optional
        What people know the function as; its own name if not given.
    """
    said = str(error)
    trace = error.__traceback__
    foreign = [one for one in keywords if f"keyword argument '{one}'" in said]
    if trace is not None and trace.tb_next is not None and not foreign:
        return error
    if name and "()" in said:
        said = name + said[said.index("()") :]
    signature = _signature(function)
    remedies = [_meant(one, signature.parameters if signature else ()) for one in foreign]
    call = f"the call is {name or function.__name__}{signature}"
    if signature and len(call) <= LONGEST:
        remedies.append(call)
    return TypeError(": ".join(filter(None, [said, "; ".join(filter(None, remedies))])))


def _signature(function: Any) -> inspect.Signature | None:
    """Return how people call `function`, without the types; None of what is written in C."""
    try:
        found = inspect.signature(function)
    except (TypeError, ValueError):
        return None
    shown = [
        one.replace(annotation=inspect.Parameter.empty)
        for name, one in found.parameters.items()
        if name not in HIDDEN
    ]
    return found.replace(parameters=shown, return_annotation=inspect.Signature.empty)


def _meant(keyword: str, parameters: Iterable[str]) -> str:
    """Return what to write instead of a keyword that is not among these; nothing if unknown."""
    for ours, theirs in CALLED_ELSEWHERE.items():
        if ours in parameters and keyword in theirs.split():
            return f"the word is {ours}="
    if keyword in ANSWERS:
        return ANSWERS[keyword]
    from difflib import get_close_matches  # a call that goes wrong can wait for it

    return "".join(f"did you mean {one}=?" for one in get_close_matches(keyword, parameters, 1))


def unexpected(function: Any, keywords: Iterable[str]) -> TypeError:
    """Return the error of a call of `function` with keywords that it does not have."""
    first = next(iter(keywords))
    error = TypeError(f"{function.__name__}() got an unexpected keyword argument '{first}'")
    return answered(error, function, [first])


def misfit(
    function: Any, name: str, given: Iterable[Any], keywords: Mapping[str, Any]
) -> TypeError:
    """Return the error of a call that does not fit; `MISSING` among `given` was not given.

    For functions of every step, which take anything and look for themselves.
    """
    given = [x for x in given if x is not MISSING]
    try:
        inspect.signature(function).bind(*given, **keywords)
    except TypeError as error:
        return answered(TypeError(f"{name}() {error}"), function, keywords, name)
    return TypeError(f"{name}() takes fewer than {len(given) + len(keywords)} arguments")


def answers(function: Function, *, lenient: bool = False) -> Function:
    """Let a function, or the constructor of a class, answer calls that do not fit it.

    The types of arguments are looked at once an error has come of them.  Every call takes a fifth
    of a microsecond longer; a function of every step takes any keyword, and raises `unexpected` or
    `misfit`.
    A text for True or False is an error itself, as "False" would be true; not if it is `lenient`,
    as scikit-learn wants its constructors.
    """
    if isinstance(function, type):
        kind: Any = function
        kind.__init__ = answers(kind.__init__, lenient=lenient)
        return function

    kinds = {} if lenient else getattr(function, "__annotations__", {})
    switches = {name for name, kind in kinds.items() if kind == "bool"}

    @functools.wraps(function)
    def called(*args: Any, **kwargs: Any) -> Any:
        if kwargs and switches and any(type(kwargs.get(one)) is str for one in switches):
            wrong = _unfit(_name(function, args), called, args, kwargs)
            if wrong:
                raise TypeError(wrong)
        try:
            return function(*args, **kwargs)
        except (TypeError, ValueError, AttributeError) as error:
            name = _name(function, args)
            if type(error) is TypeError:
                told = answered(error, called, kwargs, name)
                if told is not error:
                    raise told from None
            ours = OURS.match(str(error)) and not hasattr(error, WITHIN)
            if type(error) in PLAIN and not (ours or _runs_others(error)):
                wrong = _unfit(name, called, args, kwargs)
                if wrong:
                    told = TypeError(wrong)
                    setattr(told, WITHIN, True)
                    raise told from error
            raise

    return called  # type: ignore[return-value]  # same signature


def _name(function: Any, args: Any) -> str:
    """Return what people know a function as: a constructor by its class."""
    name: str = function.__name__
    return type(args[0]).__name__ if args and name == "__init__" else name


class Answering:
    """What answers so with the constructor of every class that is made of it.

    Of others' classes it is lenient: what they declare is theirs.
    """

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        if "__init__" in vars(cls):
            answers(cls, lenient=cls.__module__.split(".")[0] not in ROOTS)


def _unfit(name: str, function: Any, args: Any, kwargs: Any) -> str:
    """Return which argument is not of the type that `function` declares for it; "" if none."""
    try:
        given = inspect.signature(function).bind(*args, **kwargs).arguments
    except TypeError:
        return ""
    own = inspect.unwrap(function)
    for parameter, value in given.items():
        try:  # what is there for type checkers alone has no value
            hint = eval(own.__annotations__[parameter], own.__globals__)  # noqa: S307  # our own code
        except (KeyError, NameError, AttributeError, TypeError):
            continue
        if not _fits(value, hint):
            either = typing.get_args(hint) if typing.get_origin(hint) in UNIONS else [hint]
            expected = " or ".join(dict.fromkeys(map(_words, either)))
            return f"{name}: {parameter}={value!r:.60}; expected {expected}"
    return ""


def _words(hint: Any) -> str:
    if typing.get_origin(hint) is typing.Literal:
        return " or ".join(map(repr, typing.get_args(hint)))
    kind = typing.get_origin(hint) or hint
    return WORDS.get(kind) or f"a {kind.__name__}"


def _fits(value: Any, hint: Any) -> bool:
    """Tell whether `value` may be of a type; of no class, or a value of one of ours, always."""
    origin = typing.get_origin(hint) or hint
    if origin in UNIONS:
        return any(_fits(value, one) for one in typing.get_args(hint))
    if origin is typing.Literal:
        return type(value) is str and value in typing.get_args(hint)
    if origin is Any or not isinstance(origin, type) or getattr(origin, "_is_protocol", False):
        return True
    if isinstance(value, np.ndarray) and not value.shape:
        return True
    if isinstance(value, bool) and origin in (int, float, complex):
        return False
    if isinstance(value, str) and origin in (Sequence, Iterable):
        return False
    if origin in WORDS:
        return isinstance(value, NUMBERS.get(origin, origin))
    return isinstance(value, origin) or not isinstance(value, PYTHONS)


def _runs_others(error: BaseException) -> bool:
    """Tell whether an error has come through code that is neither ours nor NumPy's nor Python's."""
    trace = error.__traceback__
    frames = [frame for frame, _ in traceback.walk_tb(trace)]
    return any(frame.f_globals.get("__name__", "").split(".")[0] not in ROOTS for frame in frames)
