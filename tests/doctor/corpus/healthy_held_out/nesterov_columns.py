# causes: none
import numpy as np

rng = np.random.default_rng(200)
X = rng.normal(size=(2, 100))
Y = np.vstack([X[0] * X[1] > 0, X[0] * X[1] <= 0]).astype(float)
W1, b1 = rng.normal(0, 0.8, (9, 2)), np.zeros((9, 1))
W2, b2 = rng.normal(0, 0.4, (2, 9)), np.zeros((2, 1))
theta = [W1, b1, W2, b2]
v = [np.zeros_like(p) for p in theta]
mu, lr = 0.8, 0.2
for t in range(500):
    ahead = [p + mu * w for p, w in zip(theta, v)]
    h = np.tanh(ahead[0] @ X + ahead[1])
    z = ahead[2] @ h + ahead[3]
    e = np.exp(z - z.max(axis=0))
    p = e / e.sum(axis=0)
    d2 = (p - Y) / X.shape[1]
    d1 = ahead[2].T @ d2 * (1 - h**2)
    grads = [d1 @ X.T, d1.sum(axis=1, keepdims=True), d2 @ h.T, d2.sum(axis=1, keepdims=True)]
    for k in range(4):
        v[k] = mu * v[k] - lr * grads[k]
        theta[k] = theta[k] + v[k]
