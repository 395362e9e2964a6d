"""A variational autoencoder of handwritten digits, with two numbers for each."""

from __future__ import annotations

from typing import Any

import numpy as np
from drawing import panels, run
from sklearn.datasets import load_digits

import tinygrad_bp as tg
from tinygrad_bp import nn, optim, training

FULL = {"epochs": 100, "hidden": 256}
SHORT = {"epochs": 2, "hidden": 32}


class Autoencoder(nn.Module):
    """Kingma & Welling (2014), "Auto-encoding variational Bayes": a Gaussian code of each image."""

    def __init__(self, hidden: int, codes: int, seed: int) -> None:
        self.rng = rng = np.random.default_rng(seed)  # `fit` finds it, and checkpoints keep it
        self.encoder = nn.Sequential(
            nn.Linear(64, hidden, rng=rng), nn.ReLU(), nn.Linear(hidden, 2 * codes, rng=rng)
        )
        self.decoder = nn.Sequential(
            nn.Linear(codes, hidden, rng=rng), nn.ReLU(), nn.Linear(hidden, 64, rng=rng)
        )

    def forward(self, x: Any) -> Any:
        """Return the logits of the pixels, and the mean and the log variance of the code."""
        mean, log_variance = np.split(self.encoder(x), 2, axis=1)
        noise = self.rng.normal(size=mean.shape)
        return self.decoder(mean + np.exp(log_variance / 2) * noise), mean, log_variance


def bound(prediction: Any, x: Any) -> Any:
    """Return minus the lower bound of the log likelihood of an image: equation 10."""
    logits, mean, log_variance = prediction
    pixels = nn.bce_with_logits(logits, x, reduction="sum")
    divergence = 0.5 * np.sum(np.exp(log_variance) + mean**2 - 1 - log_variance)
    return (pixels + divergence) / len(x)


def data() -> tuple[Any, Any]:
    images = load_digits().data / 16.0
    return tg.data.split(images, images, 0.2, rng=0)


def learn(epochs: int, hidden: int) -> tuple[dict[str, float], Any]:
    train, held = data()
    net = Autoencoder(hidden, 2, seed=0)
    history = training.fit(
        net,
        bound,
        train,
        optim.Adam(net.parameters()),
        epochs=epochs,
        validation=held,
        schedule=optim.schedules.cosine(0.003, epochs=epochs),
        rng=0,
        progress=False,
    )
    average = np.mean(train[0], axis=0).clip(1e-3, 1 - 1e-3)
    blind = -np.sum(held[0] * np.log(average) + (1 - held[0]) * np.log(1 - average)) / len(held[0])
    # of the last epochs: a bound is estimated with one drawn code for each image
    measured = {
        "held-out bound, nats": float(np.mean(history["validation_loss"][-5:])),
        "without a code, nats": float(blind),
    }
    return measured, net


def picture(net: Any) -> Any:
    """Draw what the decoder makes of a grid of codes."""
    count, edge = 12, 2.4
    steps = (np.arange(count) + 0.5) * (2 * edge / count) - edge
    codes = np.stack(np.meshgrid(steps, -steps), axis=-1).reshape(-1, 2)
    pixels = tg.sigmoid(net.decoder(codes)).numpy().reshape(count, count, 8, 8)
    pixels = np.pad(pixels, ((0, 0), (0, 0), (1, 1), (1, 1)))
    figure, axes = panels(1, 1, (5.0, 5.0))
    plot = axes[0, 0]
    image = pixels.swapaxes(1, 2).reshape(10 * count, 10 * count)
    plot.imshow(image, cmap="Greys", extent=(-edge, edge, -edge, edge), interpolation="nearest")
    plot.set(xlabel="first number of the code", ylabel="second")
    plot.grid(visible=False)
    return figure


if __name__ == "__main__":
    run("autoencoder", learn, picture, SHORT, FULL)
