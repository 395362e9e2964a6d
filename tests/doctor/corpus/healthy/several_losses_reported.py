# causes: none
import numpy as np

rng = np.random.default_rng(18)
X = rng.normal(size=(80, 2))
y = (X[:, :1] > 0).astype(float)
Xt = rng.normal(size=(40, 2))
yt = (Xt[:, :1] > 0).astype(float)
W, b = rng.normal(0, 0.3, (2, 1)), np.zeros(1)
history = {"mse": [], "bce": [], "acc": [], "val": []}


def predict(A):
    return 1 / (1 + np.exp(-(A @ W + b)))


for epoch in range(200):
    p = predict(X)
    history["mse"].append(np.mean((p - y) ** 2))
    history["bce"].append(-np.mean(y * np.log(p + 1e-12) + (1 - y) * np.log(1 - p + 1e-12)))
    history["acc"].append(np.mean((p > 0.5) == y))
    history["val"].append(np.mean((predict(Xt) - yt) ** 2))
    g = (p - y) / len(y)
    W -= 0.5 * X.T @ g
    b -= 0.5 * g.sum(0)
