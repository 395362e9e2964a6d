"""Steps whose work is divided: a fixed number of shards, and a fixed tree of sums.

Whoever computes the shards, one process, the ranks of MPI or the workers of Dask, the sum has the
same bits.
"""

from __future__ import annotations

from tinygrad_bp.parallel.cluster import Cluster
from tinygrad_bp.parallel.ranks import Ranks
from tinygrad_bp.parallel.shards import Shards

__all__ = ["Cluster", "Ranks", "Shards"]
