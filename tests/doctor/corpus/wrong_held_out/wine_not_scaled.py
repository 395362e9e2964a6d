# causes: unscaled-inputs
import numpy as np
from sklearn.datasets import load_wine
X, t = load_wine(return_X_y=True)
Y = np.eye(3)[t]
rng = np.random.default_rng(0)
W1 = rng.normal(0, 0.3, (13, 16)); b1 = np.zeros(16)
W2 = rng.normal(0, 0.3, (16, 3)); b2 = np.zeros(3)
for epoch in range(500):
    a = 1 / (1 + np.exp(-(X @ W1 + b1)))
    z = a @ W2 + b2
    p = np.exp(z - z.max(1, keepdims=True)); p /= p.sum(1, keepdims=True)
    d = (p - Y) / len(X)
    da = d @ W2.T * a * (1 - a)
    W2 -= 0.1 * a.T @ d; b2 -= 0.1 * d.sum(0)
    W1 -= 0.1 * X.T @ da; b1 -= 0.1 * da.sum(0)
    if epoch % 50 == 0: print(epoch, (p.argmax(1) == t).mean())
