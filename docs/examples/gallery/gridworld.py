"""A policy for a grid with walls, by the gradient of what its own walks earn."""

from __future__ import annotations

from typing import Any

import numpy as np
from drawing import BLUE, GREEN, GREY, RED, panels, run

import tinygrad_bp as tg
from tinygrad_bp import nn, optim

MAP = [
    "S..#....",
    ".#.#.##.",
    ".#...#..",
    ".####.#.",
    "......#.",
    ".###.##.",
    ".#......",
    "..###.#G",
]
GRID = np.array([list(row) for row in MAP])
SIDE = len(MAP)
MOVES = np.array([(-1, 0), (0, 1), (1, 0), (0, -1)])
START, GOAL = (int(np.flatnonzero(GRID.ravel() == mark)[0]) for mark in "SG")
MOST = 100  # steps of a walk
FULL = {"rounds": 400, "walks": 64}
SHORT = {"rounds": 10, "walks": 16}


def table_of_moves() -> Any:
    """Return where each move leads from each place; a wall or an edge holds one back."""
    places = np.stack(np.unravel_index(np.arange(SIDE**2), GRID.shape), axis=1)
    moved = places[:, None] + MOVES
    inside = np.all((moved >= 0) & (moved < SIDE), axis=2)
    held = np.clip(moved, 0, SIDE - 1)
    free = inside & (GRID[held[..., 0], held[..., 1]] != "#")
    return np.where(free, held[..., 0] * SIDE + held[..., 1], np.arange(SIDE**2)[:, None])


LEADS = table_of_moves()


def shortest() -> Any:
    """Return the number of steps from each place to the goal, by going back from it."""
    steps = np.full(SIDE**2, np.inf)
    steps[GOAL] = 0.0
    for _ in range(SIDE**2):
        steps = np.minimum(steps, 1.0 + steps[LEADS].min(axis=1))
    return steps


def walk(shares: Any, walks: int, rng: np.random.Generator) -> tuple[Any, Any, Any]:
    """Return places, moves, and what still counts, of many walks at once: (time, walks)."""
    place, alive = np.full(walks, START), np.ones(walks, bool)
    places, moves, counted = [], [], []
    for _ in range(MOST):
        drawn = rng.random(walks)[:, None]
        move = np.minimum(np.sum(np.cumsum(shares[place], axis=1) < drawn, axis=1), 3)
        places.append(place)
        moves.append(move)
        counted.append(alive)
        place = LEADS[place, move]
        alive = alive & (place != GOAL)
    return np.array(places), np.array(moves), np.array(counted)


def advantage(counted: Any) -> Any:
    """Return how many steps fewer followed each move than at that time on average, in walks."""
    to_go = np.cumsum(counted[::-1], axis=0)[::-1]
    average = to_go.sum(axis=1) / np.maximum(counted.sum(axis=1), 1)
    return np.where(counted, average[:, None] - to_go, 0.0) / MOST


def learn(rounds: int, walks: int) -> tuple[dict[str, float], Any]:
    rng = np.random.default_rng(0)
    policy = nn.Embedding(SIDE**2, 4, rng=rng)  # the logits of the four moves, for each place
    optimizer = optim.Adam(policy.parameters(), lr=0.1)
    lengths = []
    for _ in range(rounds):
        logits = policy(np.arange(SIDE**2))
        places, moves, counted = walk(tg.softmax(logits.detach()).numpy(), walks, rng)
        # Williams (1992), "Simple statistical gradient-following algorithms": REINFORCE
        chosen = tg.log_softmax(logits)[places, moves]
        entropy = -np.mean(np.sum(tg.softmax(logits) * tg.log_softmax(logits), axis=1))
        loss = -np.sum(chosen * advantage(counted)) / walks - 0.01 * entropy
        loss.backward()
        optimizer.step()
        optimizer.zero_grad()
        lengths.append(float(counted.sum() / walks))
    shares = tg.softmax(policy.W.detach()).numpy()
    measured = {
        "mean steps, the last 20 rounds": float(np.mean(lengths[-20:])),
        "steps, always the likeliest move": float(
            walk(np.eye(4)[shares.argmax(1)], 1, rng)[2].sum()
        ),
        "shortest way": float(shortest()[START]),
    }
    return measured, (shares, lengths)


def picture(drawn: Any) -> Any:
    """Draw the likeliest move at each place, and the length of the walks by round."""
    shares, lengths = drawn
    figure, axes = panels(1, 2, (9.0, 4.0))
    world, curve = axes[0]
    world.imshow(GRID == "#", cmap="Greys", vmax=1.6)
    for place in np.flatnonzero(GRID.ravel() != "#"):
        row, column = divmod(int(place), SIDE)
        if place == GOAL:
            world.plot(column, row, "*", color=GREEN, markersize=16)
            continue
        share, (down, right) = shares[place].max(), MOVES[shares[place].argmax()]
        arrow = {"arrowstyle": "-|>", "color": RED if place == START else BLUE, "alpha": share}
        tail = (column - 0.35 * right, row - 0.35 * down)
        tip = (column + 0.35 * right, row + 0.35 * down)
        world.annotate("", xy=tip, xytext=tail, arrowprops=arrow)
    world.set(xticks=[], yticks=[])
    world.grid(visible=False)
    curve.plot(lengths, color=BLUE, linewidth=0.8, label="mean steps of a walk")
    curve.axhline(shortest()[START], color=GREY, linestyle="--", label="shortest way")
    curve.set(xlabel="round", ylim=(0, MOST))
    curve.legend()
    return figure


if __name__ == "__main__":
    run("gridworld", learn, picture, SHORT, FULL)
