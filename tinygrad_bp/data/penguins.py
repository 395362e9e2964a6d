"""The bundled real data: bills of Palmer penguins."""

from __future__ import annotations

from importlib.resources import as_file, files

from tinygrad_bp.data.tables import Table, read_csv
from tinygrad_bp.elsewhere.calls import answers


@answers
def penguins() -> Table:
    """Load the Adelie and Chinstrap penguins of the Palmer penguins data set.

    The file is read by the same strict reader as a user's own. One Adelie penguin has no
    measurements; it is recorded in ``dropped``.

    Returns
    -------
    Table
        ``X`` float64 (219, 2): length and depth of the bill in millimetres. ``y`` float64 (219,):
        0 for the 151 Adelie, 1 for the 68 Chinstrap.

    Notes
    -----
    Data: A. M. Horst, A. P. Hill and K. B. Gorman (2020), palmerpenguins, CC0,
    doi:10.5281/zenodo.3960218. Measured by K. B. Gorman, T. D. Williams and W. R. Fraser (2014),
    PLoS ONE 9(3): e90081, doi:10.1371/journal.pone.0090081.
    """
    with as_file(files(__package__) / "penguins.csv") as path:
        features = ("bill_length_mm", "bill_depth_mm")
        return read_csv(path, features, "species", missing="drop")
