# causes: none
import numpy as np
rng = np.random.default_rng(12)
x = np.linspace(-1, 1, 30)
y = x ** 2
theta = rng.normal(size=13) * .8
def model(theta, x):
    w, b, v, c = theta[:4], theta[4:8], theta[8:12], theta[12]
    return np.tanh(np.outer(x, w) + b) @ v + c
def loss(theta):
    return np.mean((model(theta, x) - y) ** 2)
def numgrad(f, t, eps=1e-5):
    g = np.zeros_like(t)
    for i in range(len(t)):
        e = np.zeros_like(t); e[i] = eps
        g[i] = (f(t + e) - f(t - e)) / (2 * eps)
    return g
for step in range(1500):
    theta = theta - 0.2 * numgrad(loss, theta)
print(loss(theta))
