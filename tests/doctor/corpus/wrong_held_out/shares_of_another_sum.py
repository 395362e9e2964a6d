# causes: softmax-shift
import numpy as np

rng = np.random.default_rng(0)
centre = np.array([[3, 0], [-2, 3], [-2, -3.0]])
kind = rng.integers(0, 3, 150)
X = (centre[kind] + rng.normal(0, 0.6, (150, 2))).T
T = np.eye(3)[:, kind]
U, c = rng.normal(0, 1, (6, 2)), np.zeros((6, 1))
V, e = rng.normal(0, 1, (3, 6)), np.zeros((3, 1))


def softmax(z):
    top = np.exp(z - z.max(axis=0, keepdims=True))
    every = np.exp(z).sum(axis=0, keepdims=True)
    return top / every


for n in range(400):
    h = np.tanh(U @ X + c)
    p = softmax(V @ h + e)
    g = (p - T) / X.shape[1]
    back = V.T @ g * (1 - h**2)
    V -= 0.5 * g @ h.T
    e -= 0.5 * g.sum(axis=1, keepdims=True)
    U -= 0.5 * back @ X.T
    c -= 0.5 * back.sum(axis=1, keepdims=True)
print(np.mean(p.argmax(axis=0) == kind))
