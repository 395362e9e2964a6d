# causes: rate-decays
import numpy as np

rng = np.random.default_rng(105)
X = rng.normal(size=(128, 2))
Y = (np.hypot(X[:, 0], X[:, 1]) < 1.1).astype(float)[:, None]
params = [rng.normal(0, 0.7, (2, 8)), np.zeros(8), rng.normal(0, 0.5, (8, 1)), np.zeros(1)]
velocity = [np.zeros_like(p) for p in params]
eta = 0.3
for epoch in range(600):
    W, b, V, c = params
    h = np.tanh(X @ W + b)
    p = 1 / (1 + np.exp(-(h @ V + c)))
    d = (p - Y) / 128
    dh = d @ V.T * (1 - h**2)
    grads = [X.T @ dh, dh.sum(0), h.T @ d, d.sum(0)]
    for i in range(4):
        velocity[i] = 0.9 * velocity[i] - eta * grads[i]
        params[i] = params[i] + velocity[i]
    eta *= 0.5
