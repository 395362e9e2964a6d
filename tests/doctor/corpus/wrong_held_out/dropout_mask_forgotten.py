# causes: wrong-gradient|missing-derivative|wrong-operand
import numpy as np

rng = np.random.default_rng(77)
X = rng.normal(size=(256, 4))
y = (np.sin(X[:, 0] * 2) + X[:, 1] > 0).astype(float).reshape(-1, 1)
W1 = rng.normal(0, 0.7, (4, 40)); b1 = np.zeros(40)
W2 = rng.normal(0, 0.25, (40, 1)); b2 = np.zeros(1)
keep = 0.5

def forward(X, train=True):
    z1 = X @ W1 + b1
    a1 = np.maximum(z1, 0)
    mask = None
    if train:
        mask = (rng.random(a1.shape) < keep) / keep
        a1 = a1 * mask
    return z1, a1, mask, 1 / (1 + np.exp(-(a1 @ W2 + b2)))

for epoch in range(300):
    z1, a1, mask, p = forward(X)
    dz2 = (p - y) / len(X)
    da1 = dz2 @ W2.T
    dz1 = da1 * (z1 > 0)
    W2 -= 0.3 * a1.T @ dz2
    b2 -= 0.3 * dz2.sum(axis=0)
    W1 -= 0.3 * X.T @ dz1
    b1 -= 0.3 * dz1.sum(axis=0)
    if epoch % 30 == 0:
        q = forward(X, train=False)[3]
        print(epoch, np.mean((q > 0.5) == y))
