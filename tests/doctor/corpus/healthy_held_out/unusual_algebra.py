# causes: none
import numpy as np

rng = np.random.RandomState(3)
X = rng.randn(3, 90)
t = (X[0] - X[1] * X[2] > 0) * 1.0
U = rng.randn(7, 3) * 0.6
u = np.zeros((7, 1))
v = rng.randn(7) * 0.6
v0 = 0.0
eta = 0.4
for k in range(600):
    q = U @ X + u
    a = np.tanh(q)
    logit = v @ a + v0
    margin = (2 * t - 1) * logit
    loss = np.logaddexp(0, -margin).mean()
    resid = (2 * t - 1) / (1 + np.exp(margin))      # label minus probability, written through the margin
    back = np.multiply.outer(v, resid) / np.cosh(q) ** 2
    v0 = v0 + eta * resid.sum() / 90
    v = v + eta * (a * resid).sum(axis=-1) / 90
    u = u + eta * back.mean(axis=1, keepdims=True)
    U = U + eta * np.tensordot(back, X, axes=([1], [1])) / 90
    if k % 60 == 0:
        print(k, loss, np.mean((logit > 0) == t))
