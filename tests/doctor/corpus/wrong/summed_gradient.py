# causes: not-averaged
import numpy as np

rng = np.random.default_rng(17)
n = 400
X = rng.choice([-1.0, 1.0], (n, 2)) * rng.uniform(0.1, 1, (n, 2))
Y = (X[:, :1] * X[:, 1:] < 0).astype(float)
W1 = rng.normal(0, 0.8, (2, 8))
B1 = np.zeros((1, 8))
W2 = rng.normal(0, 0.6, (8, 1))
B2 = np.zeros((1, 1))
rate = 1.0


def sig(v):
    return 1 / (1 + np.exp(-np.clip(v, -500, 500)))


for k in range(800):
    H = sig(X @ W1 + B1)
    O = sig(H @ W2 + B2)
    E = O - Y
    DH = E @ W2.T * H * (1 - H)
    W2 -= rate * H.T @ E
    B2 -= rate * E.sum(axis=0, keepdims=True)
    W1 -= rate * X.T @ DH
    B1 -= rate * DH.sum(axis=0, keepdims=True)
