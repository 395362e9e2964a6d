# causes: derivative-twice
"""
Two layer network on a dataset of rings.
Small ring and large ring -> 0, middle ring -> 1
"""
import numpy as np


def make_rings(n, rng):
    t = rng.uniform(0, 2 * np.pi, n)
    ring = rng.integers(0, 3, n)
    label = (ring == 1).astype(int)
    r = np.array([0.3, 1.0, 1.8])[ring] + rng.normal(0, 0.1, n)
    return np.c_[r * np.cos(t), r * np.sin(t)], label.reshape(-1, 1).astype(float)


def sigmoid(z):
    return 1.0 / (1.0 + np.exp(-z))


def forward(X, p):
    A1 = sigmoid(X @ p["W1"] + p["b1"])
    A2 = sigmoid(A1 @ p["W2"] + p["b2"])
    return A1, A2


def gradients(X, Y, A1, A2, p):
    m = len(X)
    err2 = A2 - Y
    delta2 = err2 * A2 * (1 - A2)
    err1 = delta2 @ p["W2"].T
    delta1 = err1 * A1 * (1 - A1)
    return {
        "W2": A1.T @ (delta2 * A2 * (1 - A2)) / m,
        "b2": np.sum(delta2 * A2 * (1 - A2), axis=0) / m,
        "W1": X.T @ (delta1 * A1 * (1 - A1)) / m,
        "b1": np.sum(delta1 * A1 * (1 - A1), axis=0) / m,
    }


def main():
    rng = np.random.default_rng(12)
    X, Y = make_rings(300, rng)
    p = {
        "W1": rng.normal(0, 1, (2, 8)),
        "b1": np.zeros(8),
        "W2": rng.normal(0, 1, (8, 1)),
        "b2": np.zeros(1),
    }
    lr = 4.0
    for epoch in range(4001):
        A1, A2 = forward(X, p)
        if epoch % 500 == 0:
            loss = np.mean((A2 - Y) ** 2) / 2
            acc = np.mean((A2 > 0.5) == Y)
            print(f"{epoch:5d} loss={loss:.4f} acc={acc:.3f}")
        g = gradients(X, Y, A1, A2, p)
        for k in p:
            p[k] = p[k] - lr * g[k]


if __name__ == "__main__":
    main()
