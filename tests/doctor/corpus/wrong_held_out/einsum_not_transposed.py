# causes: wrong-operand
import numpy as np

rng = np.random.default_rng(23)
X = rng.normal(size=(100, 2))
t = (X[:, 0] ** 2 > X[:, 1]).astype(int)
Y = np.eye(2)[t]
D = 8
theta = {
    "A": rng.normal(0, 0.8, (2, D)), "a": np.zeros(D),
    "B": rng.normal(0, 0.5, (D, D)), "b": np.zeros(D),
    "C": rng.normal(0, 0.5, (D, 2)), "c": np.zeros(2),
}

def forward(theta, X):
    h1 = np.tanh(np.einsum("ni,ij->nj", X, theta["A"]) + theta["a"])
    h2 = np.tanh(np.einsum("ni,ij->nj", h1, theta["B"]) + theta["b"])
    s = np.einsum("ni,ij->nj", h2, theta["C"]) + theta["c"]
    s = np.exp(s - s.max(1, keepdims=True))
    return h1, h2, s / s.sum(1, keepdims=True)

def grads(theta, X, Y):
    h1, h2, p = forward(theta, X)
    d3 = (p - Y) / len(X)
    d2 = np.einsum("nk,jk->nj", d3, theta["C"]) * (1 - h2 ** 2)
    d1 = np.einsum("nk,kj->nj", d2, theta["B"]) * (1 - h1 ** 2)
    return {
        "C": np.einsum("ni,nj->ij", h2, d3), "c": d3.sum(0),
        "B": np.einsum("ni,nj->ij", h1, d2), "b": d2.sum(0),
        "A": np.einsum("ni,nj->ij", X, d1), "a": d1.sum(0),
    }, p

for step in range(600):
    g, p = grads(theta, X, Y)
    theta = {k: theta[k] - 0.5 * g[k] for k in theta}
    if step % 100 == 0:
        print(step, -np.log(p[np.arange(100), t]).mean())
