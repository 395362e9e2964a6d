# causes: none
import numpy as np

rng = np.random.default_rng(18)
X = rng.normal(5, 3, (200, 4))
y = ((X[:, 0] - 5) * (X[:, 1] - 5) > 0).astype(float)[:, None]
W1 = rng.normal(0, 0.5, (4, 16))
gamma, beta = np.ones(16), np.zeros(16)
W2, b2 = rng.normal(0, 0.3, (16, 1)), np.zeros(1)
lr, eps, N = 0.5, 1e-5, 200
for epoch in range(600):
    z = X @ W1
    mu, var = z.mean(0), z.var(0)
    inv = 1 / np.sqrt(var + eps)
    xhat = (z - mu) * inv
    n = gamma * xhat + beta
    a = np.maximum(n, 0)
    p = 1 / (1 + np.exp(-(a @ W2 + b2)))
    d = (p - y) / N
    dn = (d @ W2.T) * (n > 0)
    dgamma, dbeta = (dn * xhat).sum(0), dn.sum(0)
    dxhat = dn * gamma
    dz = inv / N * (N * dxhat - dxhat.sum(0) - xhat * (dxhat * xhat).sum(0))
    W2 -= lr * a.T @ d; b2 -= lr * d.sum(0)
    gamma -= lr * dgamma; beta -= lr * dbeta
    W1 -= lr * X.T @ dz
    if epoch % 100 == 0:
        print(epoch, ((p > 0.5) == y).mean())
