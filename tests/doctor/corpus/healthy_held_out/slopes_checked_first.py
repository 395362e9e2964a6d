# causes: none
import numpy as np

rng = np.random.default_rng(16)
X = rng.normal(size=(90, 3))
y = np.sin(X[:, :1]) + 0.5 * X[:, 1:2] * X[:, 2:]
theta = [rng.normal(0, 0.6, (3, 10)), np.zeros(10), rng.normal(0, 0.4, (10, 1)), np.zeros(1)]


def cost_and_slopes():
    W, b, V, c = theta
    h = np.tanh(X @ W + b)
    miss = h @ V + c - y
    e = miss @ V.T * (1 - h**2)
    many = len(X)
    return (miss**2).mean() / 2, [X.T @ e / many, e.mean(0), h.T @ miss / many, miss.mean(0)]


_, slopes = cost_and_slopes()
for part, slope in zip(theta, slopes):
    for at in np.ndindex(part.shape):
        keep = part[at]
        part[at] = keep + 1e-5
        above = cost_and_slopes()[0]
        part[at] = keep - 1e-5
        below = cost_and_slopes()[0]
        part[at] = keep
        assert abs((above - below) / 2e-5 - slope[at]) < 1e-7
for step in range(1500):
    cost, slopes = cost_and_slopes()
    for part, slope in zip(theta, slopes):
        part -= 0.3 * slope
print(cost)
