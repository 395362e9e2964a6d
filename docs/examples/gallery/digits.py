"""Handwritten digits of 8 by 8 pixels, told apart by a small convolutional network."""

from __future__ import annotations

from typing import Any

import numpy as np
from drawing import INK, RED, panels, run
from sklearn.datasets import load_digits

import tinygrad_bp as tg
from tinygrad_bp import nn, optim, training

FULL = {"epochs": 15, "samples": 1797}
SHORT = {"epochs": 1, "samples": 300}
RATE = 0.005


def data(samples: int) -> tuple[Any, Any]:
    """Return the digits to train on, and those held out: a fifth of each class."""
    digits = load_digits()
    images = (digits.images[:samples, np.newaxis] / 16.0).astype(np.float32)
    return tg.data.split(images, digits.target[:samples], 0.2, rng=0, by_class=True)


def network(seed: int) -> nn.Module:
    rng, single = np.random.default_rng(seed), np.float32
    return nn.Sequential(
        nn.Conv2d(1, 16, 3, padding="same", rng=rng, dtype=single),
        nn.BatchNorm(16, dtype=single),
        nn.ReLU(),
        nn.MaxPool2d(2),
        nn.Conv2d(16, 32, 3, padding="same", rng=rng, dtype=single),
        nn.BatchNorm(32, dtype=single),
        nn.ReLU(),
        nn.MaxPool2d(2),
        nn.Flatten(),
        nn.Dropout(0.3, rng=rng),
        nn.Linear(128, 10, rng=rng, dtype=single),
    )


def accuracy(logits: Any, labels: Any) -> Any:
    return np.mean(np.argmax(logits, axis=1) == labels)


def learn(epochs: int, samples: int) -> tuple[dict[str, float], Any]:
    train, held = data(samples)
    net = network(0)
    history = training.fit(
        net,
        nn.cross_entropy,
        train,
        optim.Adam(net.parameters()),
        epochs=epochs,
        validation=held,
        metrics={"accuracy": accuracy},
        schedule=optim.schedules.cosine(RATE, epochs=epochs),
        rng=0,
        progress=False,
    )
    shares = tg.softmax(net.eval()(held[0])).numpy()
    return {"held-out accuracy": history["validation_accuracy"][-1]}, (held, shares)


def picture(drawn: Any) -> Any:
    """Draw the held-out digits of which the network is least certain, and what it makes of them."""
    (images, labels), shares = drawn
    least = np.argsort(np.max(shares, axis=1))[:10]
    figure, axes = panels(2, 5, (7.0, 4.2))
    for place, k in zip(axes.flat, least, strict=True):
        place.imshow(images[k, 0], cmap="Greys", interpolation="nearest")
        found = int(np.argmax(shares[k]))
        place.set_title(
            f"{found} by {100 * shares[k, found]:.0f} %",
            color=INK if found == labels[k] else RED,
        )
        place.set(xticks=[], yticks=[], xlabel=f"is {labels[k]}")
    return figure


if __name__ == "__main__":
    run("digits", learn, picture, SHORT, FULL)
