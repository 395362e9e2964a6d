# causes: not-updated
import numpy as np

rng = np.random.default_rng(51)
X = rng.normal(size=(80, 3))
y = (X[:, :1] > 0.2).astype(float)
weights = [rng.normal(0, 0.6, (3, 4)), rng.normal(0, 0.6, (4, 1))]
for epoch in range(300):
    h = np.tanh(X @ weights[0])
    p = 1 / (1 + np.exp(-(h @ weights[1])))
    d2 = (p - y) / len(X)
    d1 = d2 @ weights[1].T * (1 - h**2)
    grads = [X.T @ d1, h.T @ d2]
    for w, g in zip(weights, grads):
        w = w - 0.5 * g
    print(np.mean((p - y) ** 2))
