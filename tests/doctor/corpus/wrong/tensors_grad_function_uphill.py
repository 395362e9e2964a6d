# causes: wrong-sign|step-too-large|exploding
import numpy as np
import tinygrad_bp as tg
rng = np.random.default_rng(4)
X = rng.normal(size=(60, 2)); y = X @ [1.0, -2.0] + 0.5
def loss(w, b): return np.mean((X @ w + b - y) ** 2)
slope = tg.grad(loss, argnums=(0, 1))
w, b = np.zeros(2), 0.0
for k in range(100):
    gw, gb = slope(w, b)
    w = w + 0.05 * gw
    b = b + 0.05 * gb
print(w, b)
