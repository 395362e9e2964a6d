"""Where loops back run: each on a track of its own beside its rows, and a lane from row to row."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

TRACK = 13.0  # pixels from one to the next: a label stands between them
LANE = 9.0
BEFORE, AMONG, BEYOND = 0, 1, 2  # which of them run closest to a row


@dataclass(frozen=True)
class Loops:
    """The loops back of a picture, by the number of their edge.

    Attributes
    ----------
    tracks : dict of (edge, row) to int
        Counted from the row outwards.
    lanes : dict of edge to int
        Of those that lead from one row to another, counted from the rows outwards.
    """

    tracks: Mapping[tuple[int, int], int]
    lanes: Mapping[int, int]

    def room(self, row: int) -> int:
        """Return how many tracks a row needs."""
        return max((track + 1 for (_, own), track in self.tracks.items() if own == row), default=0)


def loops(rows: Mapping[int, tuple[int, int]], lengths: Mapping[int, int]) -> Loops:
    """Give each loop back its tracks and its lane.

    Those that go farther run around the others: a lane holds several where these share no row.

    Parameters
    ----------
    rows : dict of edge to (int, int)
        The rows of its source and of its target.
    lengths : dict of edge to int
        How many columns it goes back.
    """
    beside: dict[int, list[tuple[int, int, int]]] = {}
    for edge, ends in rows.items():
        upper, lower = sorted(ends)
        span = lower - upper
        if not span:
            beside.setdefault(upper, []).append((AMONG, lengths[edge], edge))
        else:  # the one below others where they turn upwards, and above them where they arrive
            beside.setdefault(lower, []).append((BEFORE, -span, edge))
            beside.setdefault(upper, []).append((BEYOND, span, edge))
    tracks = {
        (edge, row): track
        for row, members in beside.items()
        for track, (_, _, edge) in enumerate(sorted(members))
    }
    return Loops(tracks, _lanes({edge: sorted(ends) for edge, ends in rows.items()}))


def _lanes(spans: Mapping[int, Sequence[int]]) -> dict[int, int]:
    """Return the lanes: the shortest runs closest to the rows."""
    lanes: dict[int, int] = {}
    taken: list[list[Sequence[int]]] = []
    for edge in sorted(spans, key=lambda one: spans[one][1] - spans[one][0]):
        upper, lower = spans[edge]
        if upper == lower:
            continue
        free = (k for k, of in enumerate(taken) if all(b < upper or a > lower for a, b in of))
        lane = next(free, len(taken))
        taken += [[]] * (lane == len(taken))
        taken[lane] = [*taken[lane], (upper, lower)]
        lanes[edge] = lane
    return lanes
