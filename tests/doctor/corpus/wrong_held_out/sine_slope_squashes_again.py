# causes: derivative-on-z
import numpy as np

np.random.seed(2)
X = np.random.uniform(-2, 2, (120, 1))
y = 0.8 * np.sin(2 * X)


def act(v):
    return np.tanh(v)


def d_act(v):
    t = act(v)
    return 1 - t * t


W1, b1 = np.random.randn(1, 12) * 2, np.random.randn(1, 12)
W2, b2 = np.random.randn(12, 1) * 0.3, np.zeros((1, 1))
for it in range(800):
    H = act(X @ W1 + b1)
    O = act(H @ W2 + b2)
    E = O - y
    gO = E * d_act(O) / len(X)
    gH = gO @ W2.T * d_act(H)
    W2 -= 0.5 * H.T @ gO
    b2 -= 0.5 * gO.sum(axis=0, keepdims=True)
    W1 -= 0.5 * X.T @ gH
    b1 -= 0.5 * gH.sum(axis=0, keepdims=True)
    if it % 200 == 0:
        print(it, np.mean(E**2))
