# causes: wrong-operand
import numpy as np

gen = np.random.default_rng(103)
data = gen.normal(size=(100, 6))
truth = (data[:, 0] + data[:, 1] * data[:, 2] > 0)[:, None] * 1.0
P = gen.normal(size=(6, 6)) / 2.5
Q = gen.normal(size=(6, 6)) / 2.5
R = gen.normal(size=(6, 1)) / 2.5
for k in range(900):
    first = np.tanh(np.einsum("ni,ij->nj", data, P))
    second = np.tanh(np.einsum("ni,ij->nj", first, Q))
    prob = 1 / (1 + np.exp(-np.einsum("ni,ij->nj", second, R)))
    g3 = (prob - truth) / len(data)
    g2 = np.einsum("nj,ij->ni", g3, R) * (1 - second**2)
    g1 = np.einsum("nj,ij->ni", g2, Q) * (1 - first**2)
    R = R - 0.5 * np.einsum("ni,nj->ij", second, g3)
    Q = Q - 0.5 * np.einsum("ni,nj->ij", second, g2)
    P = P - 0.5 * np.einsum("ni,nj->ij", data, g1)
