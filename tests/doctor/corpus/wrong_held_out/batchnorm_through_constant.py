# causes: wrong-gradient|wrong-operand|missing-derivative
import numpy as np

rng = np.random.default_rng(17)
X = rng.normal(3, 2, (128, 3))
y = (X[:, 0] * X[:, 1] > X[:, 2] * 3).astype(float)[:, None]

H = 10
W1 = rng.normal(0, 0.6, (3, H))
gamma = np.ones(H); beta = np.zeros(H)
W2 = rng.normal(0, 0.4, (H, 1)); b2 = np.zeros(1)
eps = 1e-5
lr = 0.2

for epoch in range(400):
    z = X @ W1
    mu = z.mean(axis=0)
    var = z.var(axis=0)
    zhat = (z - mu) / np.sqrt(var + eps)
    a = np.tanh(gamma * zhat + beta)
    p = 1 / (1 + np.exp(-(a @ W2 + b2)))
    loss = -np.mean(y * np.log(p) + (1 - y) * np.log(1 - p))

    dz2 = (p - y) / len(X)
    da = dz2 @ W2.T
    dn = da * (1 - a ** 2)
    dgamma = (dn * zhat).sum(0)
    dbeta = dn.sum(0)
    dz = dn * gamma * np.sqrt(var + eps)
    W2 -= lr * a.T @ dz2
    b2 -= lr * dz2.sum(0)
    gamma -= lr * dgamma
    beta -= lr * dbeta
    W1 -= lr * X.T @ dz
    if epoch % 40 == 0:
        print(epoch, loss)
