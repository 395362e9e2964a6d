# causes: never-reset
import numpy as np
rng = np.random.default_rng(16)
X = rng.uniform(-1, 1, (256, 2)); y = np.sin(3 * X[:, :1]) + X[:, 1:]
params = [rng.normal(0, 1, (2, 20)), np.zeros(20), rng.normal(0, .3, (20, 1)), np.zeros(1)]
grads = [np.zeros_like(p) for p in params]
def accumulate(xb, yb):
    h = np.tanh(xb @ params[0] + params[1])
    e = h @ params[2] + params[3] - yb
    d = 2 * e / len(xb); dh = d @ params[2].T * (1 - h ** 2)
    grads[0] += xb.T @ dh; grads[1] += dh.sum(0); grads[2] += h.T @ d; grads[3] += d.sum(0)
    return (e ** 2).mean()
for epoch in range(25):
    for s in range(0, 256, 32):
        loss = accumulate(X[s:s + 32], y[s:s + 32])
        for p, g in zip(params, grads):
            p -= 0.05 * g
    print(epoch, loss)
