# causes: loss-misreported
import numpy as np

rng = np.random.default_rng(56)
X = rng.normal(size=(80, 2))
y = (X[:, :1] - X[:, 1:] > 0).astype(float)
W1, b1 = rng.normal(0, 0.7, (2, 4)), np.zeros(4)
W2, b2 = rng.normal(0, 0.7, (4, 1)), np.zeros(1)
for epoch in range(600):
    h = np.tanh(X @ W1 + b1)
    p = 1 / (1 + np.exp(-(h @ W2 + b2)))
    loss = np.mean(y - p)
    d2 = (p - y) / len(X)
    d1 = d2 @ W2.T * (1 - h**2)
    W2 -= 0.5 * h.T @ d2
    b2 -= 0.5 * d2.sum(0)
    W1 -= 0.5 * X.T @ d1
    b1 -= 0.5 * d1.sum(0)
    if epoch % 100 == 0:
        print(f"loss {loss:.4f}")
