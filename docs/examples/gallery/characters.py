"""The next character of Shakespeare's sonnets, by a GRU and by a small transformer."""

from __future__ import annotations

from pathlib import Path
from textwrap import wrap
from typing import Any

import numpy as np
from drawing import BLUE, GREY, RED, panels, run

from tinygrad_bp import nn, no_grad, optim, softmax, training

TEXT = Path(__file__).with_name("sonnets.txt").read_text(encoding="utf-8").lower()
LETTERS = sorted(set(TEXT))
SYMBOLS = np.array([LETTERS.index(letter) for letter in TEXT])
PLACES = 48  # characters that a prediction looks back on, at most
HELD = TEXT.rindex("\n\n") + 2  # the last sonnet is held out
FULL = {"epochs": 12, "width": 64, "step": 7, "letters": 150}
SHORT = {"epochs": 1, "width": 16, "step": 150, "letters": 20}


class Recurrent(nn.Module):
    """A state that each character changes."""

    def __init__(self, width: int, seed: int) -> None:
        rng = np.random.default_rng(seed)
        self.table = nn.Embedding(len(LETTERS), width, rng=rng, dtype=np.float32)
        self.steps = nn.GRU(width, 2 * width, rng=rng, dtype=np.float32)
        self.out = nn.Linear(2 * width, len(LETTERS), rng=rng, dtype=np.float32)

    def forward(self, symbols: Any) -> Any:
        outputs, _ = self.steps(self.table(symbols))
        return self.out(outputs)


class Transformer(nn.Module):
    """Places that look at those before them, twice."""

    def __init__(self, width: int, seed: int) -> None:
        rng = np.random.default_rng(seed)
        self.table = nn.Embedding(len(LETTERS), width, rng=rng, dtype=np.float32)
        self.order = nn.Embedding(PLACES, width, rng=rng, dtype=np.float32)
        self.blocks = [
            nn.TransformerBlock(width, 4, causal=True, dropout=0.1, rng=rng, dtype=np.float32)
            for _ in range(2)
        ]
        self.norm = nn.LayerNorm(width, dtype=np.float32)
        self.out = nn.Linear(width, len(LETTERS), rng=rng, dtype=np.float32)

    def forward(self, symbols: Any) -> Any:
        x = self.table(symbols) + self.order(np.arange(symbols.shape[1]))
        for block in self.blocks:
            x = block(x)
        return self.out(self.norm(x))


def windows(symbols: Any, step: int) -> tuple[Any, Any]:
    """Return pieces of the text, and the same moved on by a character."""
    view = np.lib.stride_tricks.sliding_window_view(symbols, PLACES + 1)[::step]
    return view[:, :-1].copy(), view[:, 1:].copy()


def bits(logits: Any, labels: Any) -> Any:
    """Return the bits that a character costs."""
    return nn.cross_entropy(logits, labels) / np.log(2.0)


def written(net: nn.Module, start: str, count: int, rng: np.random.Generator) -> str:
    """Let a network write on, character by character."""
    found = [LETTERS.index(letter) for letter in start]
    with no_grad():
        for _ in range(count):
            shares = softmax(net(np.array([found[-PLACES:]]))[0, -1] / 0.7).numpy()
            found.append(int(rng.choice(len(LETTERS), p=shares / np.sum(shares, dtype=float))))
    return "".join(LETTERS[symbol] for symbol in found)


def learn(epochs: int, width: int, step: int, letters: int) -> tuple[dict[str, float], Any]:
    measured, drawn = {}, {}
    for kind, rate in ((Recurrent, 0.005), (Transformer, 0.003)):
        net, name = kind(width, 0), kind.__name__.lower()
        history = training.fit(
            net,
            nn.cross_entropy,
            windows(SYMBOLS[:HELD], step),
            optim.AdamW(net.parameters(), weight_decay=0.1),
            epochs=epochs,
            validation=windows(SYMBOLS[HELD:], step),
            metrics={"bits": bits},
            schedule=optim.schedules.cosine(rate, epochs=epochs),
            clip_norm=1.0,
            callbacks=[stopping := training.EarlyStopping(epochs)],  # for the best weights
            rng=0,
            progress=False,
        )
        best = history["validation_bits"][stopping.best_epoch - 1]
        measured[f"held-out bits, {name}"] = best
        drawn[name] = history, written(net.eval(), "shall i ", letters, np.random.default_rng(1))
    return measured, drawn


def picture(drawn: Any) -> Any:
    """Draw the cost of a character by epoch, and what the networks write."""
    figure, axes = panels(1, 2, (9.0, 3.6), width_ratios=[1, 1])
    curves, words = axes[0]
    share = np.bincount(SYMBOLS) / len(SYMBOLS)
    curves.axhline(-np.sum(share * np.log2(share)), color=GREY, linestyle=":")
    words.set_axis_off()
    for place, (colour, (name, (history, text))) in enumerate(
        zip((BLUE, RED), drawn.items(), strict=True)
    ):
        epochs = range(1, history.epochs + 1)
        curves.plot(epochs, history["bits"], color=colour, linestyle="--", alpha=0.6)
        curves.plot(epochs, history["validation_bits"], color=colour, label=name)
        lines = [part for line in text.splitlines() for part in wrap(line, 48)]
        shown = "\n".join(lines[:6])
        options = {"color": colour, "family": "monospace", "fontsize": 8, "va": "top"}
        words.text(0.0, 1.0 - place / 2, shown, transform=words.transAxes, **options)
    curves.set(xlabel="epoch", ylabel="bits a character", ylim=(0, None))
    curves.legend(title="held out (dashed: trained on)")
    return figure


if __name__ == "__main__":
    run("characters", learn, picture, SHORT, FULL)
