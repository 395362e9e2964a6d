# causes: rate-decays
import numpy as np
rng = np.random.default_rng(0)
n = 300
X = rng.uniform(-1, 1, (n, 2)); y = ((X ** 2).sum(1, keepdims=True) < 0.5) * 1.0
W1 = rng.normal(0, 1, (2, 16)); b1 = np.zeros((1, 16)); W2 = rng.normal(0, 0.5, (16, 1)); b2 = np.zeros((1, 1))
lr = 1.0
def f(z): return 1 / (1 + np.exp(-z))
for epoch in range(600):
    lr *= 0.9
    h = np.tanh(X @ W1 + b1); p = f(h @ W2 + b2)
    g = (p - y) / n
    gh = g @ W2.T * (1 - h ** 2)
    W2 -= lr * h.T @ g; b2 -= lr * g.sum(0, keepdims=True); W1 -= lr * X.T @ gh; b1 -= lr * gh.sum(0, keepdims=True)
    if epoch % 100 == 0: print(epoch, "acc", ((p > 0.5) == y).mean())
