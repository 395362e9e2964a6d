# causes: integer-array
import numpy as np
def num_grad(func, theta, h=1e-4):
    g = np.zeros_like(theta)
    for k in range(theta.size):
        keep = theta[k]
        theta[k] = keep + h
        up = func(theta)
        theta[k] = keep - h
        down = func(theta)
        g[k] = (up - down) / (2 * h)
        theta[k] = keep
    return g
theta = np.array([4, -2])
X = np.random.default_rng(0).normal(size=(50, 2)); y = X @ [1.5, 0.5]
def cost(t):
    return np.mean((X @ t - y) ** 2)
for _ in range(100):
    theta = theta - 0.1 * num_grad(cost, theta)
print(theta)
