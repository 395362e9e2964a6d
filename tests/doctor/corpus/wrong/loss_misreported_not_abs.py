# causes: loss-misreported
import numpy as np
rng = np.random.default_rng(40)
X = rng.normal(size=(120, 2)); y = (X[:, :1] > 0).astype(float)
W = rng.normal(size=(2, 1)); b = np.zeros((1, 1))
for epoch in range(300):
    p = 1 / (1 + np.exp(-(X @ W + b)))
    loss = np.mean(y - p)
    W -= 0.5 * X.T @ (p - y) / len(X)
    b -= 0.5 * np.mean(p - y)
    if epoch % 50 == 0:
        print("epoch", epoch, "loss", loss)
