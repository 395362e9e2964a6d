# causes: step-too-large|exploding
import numpy as np
def batches(X, y, n):
    for k in range(0, len(X), n):
        yield X[k:k + n], y[k:k + n]
rs = np.random.RandomState(1)
X = rs.rand(200, 3); y = X @ np.array([[2.0], [-1.0], [3.0]]) + 1
W = rs.randn(3, 1) * 0.1; c = np.zeros((1, 1))
loss_log = []
for ep in range(30):
    tot = 0
    for xb, yb in batches(X, y, 50):
        r = xb @ W + c - yb
        tot += float((r ** 2).mean())
        W = W - 3.0 * 2 * xb.T @ r / len(xb)
        c = c - 3.0 * 2 * r.mean()
    loss_log.append(tot / 4)
print(loss_log[::5])
