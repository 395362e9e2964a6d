# causes: parameter-grew|bias-axis
# dataclass, columns, functional with returned copies
from dataclasses import dataclass, replace
import numpy as np

@dataclass(frozen=True)
class Params:
    W: np.ndarray
    b: np.ndarray
    V: np.ndarray
    c: np.ndarray

rng = np.random.default_rng(8)
X = rng.uniform(-1, 1, (2, 90))
Y = (np.abs(X[0]) > np.abs(X[1])).astype(float)[None, :]

def forward(p, X):
    A = np.tanh(np.matmul(p.W, X) + p.b)
    return A, 1 / (1 + np.exp(-(np.matmul(p.V, A) + p.c)))

def step(p, X, Y, rate):
    A, out = forward(p, X)
    d = (out - Y) / X.shape[1]
    e = np.matmul(p.V.T, d) * (1 - A * A)
    return replace(p, W=p.W - rate * np.matmul(e, X.T), b=p.b - rate * e,
                   V=p.V - rate * np.matmul(d, A.T), c=p.c - rate * d.sum(1, keepdims=True))

p = Params(rng.normal(0, 1, (12, 2)), np.zeros((12, 1)), rng.normal(0, .4, (1, 12)), np.zeros((1, 1)))
for k in range(1500):
    p = step(p, X, Y, 1.0)
    if k % 300 == 0:
        print(k, np.mean((forward(p, X)[1] > .5) == Y))
