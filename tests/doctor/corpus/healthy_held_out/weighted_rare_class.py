# causes: none
import numpy as np

rng = np.random.default_rng(44)
n = 1000
y = (rng.random(n) < 0.04).astype(float)
X = rng.normal(size=(n, 3)) + 2.0 * y[:, None] * np.array([1, 0.5, -1])
w_pos = (y == 0).sum() / (y == 1).sum()
weights = np.where(y == 1, w_pos, 1.0)
weights /= weights.mean()
w, b = np.zeros(3), 0.0
for it in range(500):
    p = 1 / (1 + np.exp(-(X @ w + b)))
    loss = -np.mean(weights * (y * np.log(p) + (1 - y) * np.log(1 - p)))
    g = weights * (p - y) / n
    w -= 0.5 * X.T @ g
    b -= 0.5 * g.sum()
    if it % 100 == 0:
        pred = p > 0.5
        print(it, loss, "recall", pred[y == 1].mean(), "precision", y[pred].mean())
