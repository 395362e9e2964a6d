# causes: none
import numpy as np


def main():
    rng = np.random.default_rng(203)
    X = rng.uniform(-2, 2, (90, 1))
    y = X**2 / 2

    def one_epoch(W1, b1, W2, b2):
        h = np.tanh(X @ W1 + b1)
        e = h @ W2 + b2 - y
        g2 = e / len(X)
        g1 = g2 @ W2.T * (1 - h**2)
        return W1 - 0.1 * X.T @ g1, b1 - 0.1 * g1.sum(0), W2 - 0.1 * h.T @ g2, b2 - 0.1 * g2.sum(0), (e**2).mean()

    W1, b1, W2, b2 = rng.normal(0, 1, (1, 12)), rng.normal(0, 1, 12), rng.normal(0, 0.3, (12, 1)), np.zeros(1)
    for epoch in range(1500):
        W1, b1, W2, b2, loss = one_epoch(W1, b1, W2, b2)
    return loss


print(main())
