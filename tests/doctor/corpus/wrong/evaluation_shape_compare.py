# causes: evaluation-wrong|label-broadcast
import numpy as np
rng = np.random.default_rng(44)
X = rng.normal(size=(100, 2)); labels = (X[:, 0] * 2 - X[:, 1] > 0).astype(int)
Y = labels.reshape(-1, 1)
W1 = rng.normal(size=(2, 6)); b1 = np.zeros(6); W2 = rng.normal(size=(6, 1)); b2 = np.zeros(1)
for epoch in range(300):
    h = np.tanh(X @ W1 + b1)
    p = 1 / (1 + np.exp(-(h @ W2 + b2)))
    d = (p - Y) / 100
    dh = d @ W2.T * (1 - h ** 2)
    W2 -= 0.5 * h.T @ d; b2 -= 0.5 * d.sum(0)
    W1 -= 0.5 * X.T @ dh; b1 -= 0.5 * dh.sum(0)
    accuracy = np.mean((p > 0.5) == labels)
    if epoch % 50 == 0:
        print(epoch, "acc", accuracy)
