# causes: none
import numpy as np

import tinygrad_bp as tg

rng = np.random.default_rng(0)
X = rng.normal(size=(60, 3))
y = X @ np.array([[1.0], [-2.0], [0.5]])
W = tg.tensor(np.zeros((3, 1)), requires_grad=True)
for epoch in range(100):
    loss = np.mean((X @ W - y) ** 2)
    loss.backward()
    with tg.no_grad():
        W -= 0.1 * W.grad
    W.grad = None
