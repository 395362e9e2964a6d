"""The largest errors of the native functions, in units in the last place: measured, and as a table.

``python tests/support/native_errors.py`` prints the rows of docs/native-math.md.
"""

from __future__ import annotations

import math
from collections.abc import Iterator

import numpy as np
from native_functions import DTYPES, vectorised

from tinygrad_bp.native.functions.elementary import FUNCTIONS, OF_TWO

ALL = FUNCTIONS | OF_TWO
WIDTH = {"double": 8, "float": 16}
WIDER = {"double": np.longdouble, "float": np.float64}
SEED = 7
EXTENDED = np.finfo(np.longdouble).nmant > 60  # else there is nothing to compare doubles with
# where exponentials end: the logarithm of the largest number, and for base 2
_ENDS = {"double": {"exp2": 1024.0, "other": 709.78}, "float": {"exp2": 128.0, "other": 88.72}}


def exact(name: str, *xs: np.ndarray) -> np.ndarray:
    """Return the function of numbers of a wider type, in that type."""
    if name == "sigmoid":
        return 1 / (1 + np.exp(-xs[0]))
    return getattr(np, name)(*xs)


def _samples(name: str, real: str, count: int) -> Iterator[np.ndarray]:
    dtype, generator = DTYPES[real], np.random.default_rng(SEED)
    integer = np.uint64 if real == "double" else np.uint32
    yield generator.integers(0, np.iinfo(integer).max, count, integer).view(dtype)  # any bits
    end = _ENDS[real].get(name, _ENDS[real]["other"])
    for most in (0.01, 0.3, 1.0, 8.0, 45.0, end):
        yield generator.uniform(-most, most, count).astype(dtype)
    yield (end + generator.uniform(-0.6, 0.2, count)).astype(dtype)
    yield (-end - generator.uniform(-1, 50, count)).astype(dtype)  # results that are not normal
    yield (1 + generator.uniform(-0.5, 1.0, count)).astype(dtype)
    yield np.exp2(generator.uniform(-70, 30, count)).astype(dtype)
    # where the sine or the cosine is nearly 0
    near = np.rint(np.exp2(generator.uniform(0, 60, count))).astype(np.longdouble) * np.longdouble(
        math.pi / 2
    )
    yield near.astype(dtype)


def _powers(real: str, count: int) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """Yield bases, and exponents most of which leave results in the range of the type."""
    dtype, generator = DTYPES[real], np.random.default_rng(SEED)
    end = _ENDS[real]["exp2"]
    any_bits = next(_samples("power", real, count))
    wide = np.exp2(generator.uniform(-end, end, count))
    near = 1 + generator.uniform(-1, 1, count) * np.exp2(generator.uniform(-40, -1, count))
    middle = generator.uniform(0.5, 2.0, count)
    small = generator.integers(-40, 40, count)
    yield any_bits, generator.uniform(-3, 3, count)
    yield generator.permutation(any_bits), any_bits
    yield generator.uniform(-30, 30, count), small
    yield wide, generator.uniform(-1, 1, count)
    for base in (near.astype(dtype), middle.astype(dtype), wide.astype(dtype)):
        with np.errstate(all="ignore"):
            yield base, generator.uniform(-1.05, 1.05, count) * end / np.log2(base)


def samples(name: str, real: str, count: int) -> list[np.ndarray]:
    """Return arguments over the whole range, and more of them where functions are in use."""
    groups = list(_powers(real, count)) if name in OF_TWO else zip(_samples(name, real, count))
    with np.errstate(all="ignore"):
        return [np.concatenate(some).astype(DTYPES[real]) for some in zip(*groups, strict=True)]


def errors(name: str, real: str, xs: list[np.ndarray], y: np.ndarray) -> np.ndarray:
    """Return how far results are off, in units in the last place of the exact value."""
    dtype = DTYPES[real]
    with np.errstate(all="ignore"):
        wanted = exact(name, *[x.astype(WIDER[real]) for x in xs])
        size = np.abs(wanted)
        below = size.astype(dtype)
        below = np.where(below > size, np.nextafter(below, dtype(0)), below)
        below = np.minimum(below, np.finfo(dtype).max)
        off = np.abs(y.astype(WIDER[real]) - wanted) / np.spacing(below).astype(WIDER[real])
        rounded = wanted.astype(dtype)
    same = (y == rounded) | (np.isnan(y) & np.isnan(rounded))
    return np.where(same & ~np.isfinite(rounded), 0.0, np.where(np.isnan(off), np.inf, off))


def applied(name: str, real: str, xs: list[np.ndarray]) -> np.ndarray:
    """Return a function's values."""
    return vectorised(ALL[name], real, WIDTH[real], operands=len(xs))(*xs)


def largest_error(name: str, real: str, count: int) -> tuple[float, list[float]]:
    """Return the largest error, and the arguments that have it."""
    xs = samples(name, real, count)
    off = errors(name, real, xs, applied(name, real, xs))
    worst = int(np.argmax(off))
    return float(off[worst]), [float(x[worst]) for x in xs]


def main() -> None:
    for name in ALL:
        cells = []
        for real in DTYPES:
            off = largest_error(name, real, 1 << 19)[0] + 0.05  # what was not found
            cells.append(f"{math.ceil(off * 20) / 20:.2f}")
        print(f"| `{name}` | {' | '.join(cells)} |", flush=True)


if __name__ == "__main__":
    main()
