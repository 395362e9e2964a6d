# causes: none
import numpy as np
rng = np.random.default_rng(25)
A = rng.normal(size=(50, 3)); t = (A @ [1, -1, 2] + .3 > 0).astype(float)
theta = np.zeros(4)
Ab = np.c_[np.ones(50), A]
def h(th): return 1 / (1 + np.exp(-Ab @ th))
def grad(th): return Ab.T @ (h(th) - t) / 50
n = 0
g = grad(theta)
while np.linalg.norm(g) > .02 and n < 5000:
    theta = theta - 1.0 * g
    g = grad(theta)
    n += 1
print(n, theta)
