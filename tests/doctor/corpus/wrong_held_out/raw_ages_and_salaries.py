# causes: unscaled-inputs
import numpy as np

rng = np.random.default_rng(107)
age = rng.uniform(20, 60, 150)
salary = rng.uniform(20000, 90000, 150)
bought = ((age - 40) / 12 + (salary - 55000) / 20000 > 0).astype(float)
X = np.stack([age, salary]).T
t = bought[:, np.newaxis]
rng = np.random.default_rng(1)
W1, b1 = rng.normal(0, 0.5, (2, 6)), np.zeros(6)
W2, b2 = rng.normal(0, 0.5, (6, 1)), np.zeros(1)


def logistic(v):
    return 1 / (1 + np.exp(-v))


for epoch in range(500):
    A = logistic(X @ W1 + b1)
    out = logistic(A @ W2 + b2)
    D = (out - t) / len(t)
    E = D @ W2.T * A * (1 - A)
    W2 -= 0.5 * A.T @ D
    b2 -= 0.5 * D.sum(0)
    W1 -= 0.5 * X.T @ E
    b1 -= 0.5 * E.sum(0)
