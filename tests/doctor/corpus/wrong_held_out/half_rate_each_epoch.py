# causes: rate-decays
import numpy as np
from dataclasses import dataclass

@dataclass
class Config:
    lr: float = 0.5
    decay: float = 0.5
    epochs: int = 300
    hidden: int = 12

cfg = Config()
rng = np.random.default_rng(4)
X = rng.uniform(-3, 3, size=(100, 1))
y = np.cos(X) + 0.05 * rng.normal(size=X.shape)

W1 = rng.normal(size=(1, cfg.hidden)); b1 = rng.normal(size=cfg.hidden)
W2 = rng.normal(size=(cfg.hidden, 1)) / 3; b2 = np.zeros(1)

lr = cfg.lr
for epoch in range(cfg.epochs):
    h = np.tanh(X @ W1 + b1)
    pred = h @ W2 + b2
    diff = pred - y
    loss = (diff ** 2).mean()
    g = 2 * diff / len(X)
    dh = g @ W2.T * (1 - h * h)
    W2 -= lr * h.T @ g
    b2 -= lr * g.sum(0)
    W1 -= lr * X.T @ dh
    b1 -= lr * dh.sum(0)
    lr *= cfg.decay
    if epoch % 30 == 0:
        print(epoch, loss)
