# causes: evaluation-wrong
import numpy as np
rng = np.random.default_rng(114)
X = rng.normal(size=(100, 2)); y = (X[:, 0] - X[:, 1] > 0).astype(int)
w, b = rng.normal(size=2), 0.
w = -np.abs(w) * [1, -1]
def make_predictor(w, b):
    w = w.copy()
    return lambda X: (X @ w + b > 0).astype(int)
predict = make_predictor(w, b)
for e in range(300):
    p = 1 / (1 + np.exp(-(X @ w + b)))
    w = w - .3 * X.T @ (p - y) / 100
    b = b - .3 * (p - y).mean()
    if e % 50 == 0: print("epoch", e, "accuracy", (predict(X) == y).mean())
