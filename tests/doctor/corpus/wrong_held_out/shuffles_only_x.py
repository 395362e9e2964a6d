# causes: shuffled-without-labels
import numpy as np

rng = np.random.default_rng(3)
X = rng.uniform(-1, 1, (300, 2))
y = (X[:, 0] > X[:, 1]).astype(float)

def batches(X, y, size):
    rng.shuffle(X)
    for start in range(0, len(X), size):
        yield X[start:start + size], y[start:start + size]

w, b = np.zeros(2), 0.0
for epoch in range(30):
    for xb, yb in batches(X, y, 20):
        p = 1 / (1 + np.exp(-(xb @ w + b)))
        g = p - yb
        w -= 0.5 * (xb.T @ g) / len(xb)
        b -= 0.5 * g.mean()
    print(epoch, np.mean((X @ w + b > 0) == y))
