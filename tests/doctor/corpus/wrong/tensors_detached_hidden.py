# causes: detached|not-in-graph
import numpy as np

import tinygrad_bp as tg

rng = np.random.default_rng(0)
X = rng.normal(size=(50, 3))
y = X[:, :1] - X[:, 1:2]
W1 = tg.tensor(rng.normal(0, 0.5, (3, 4)), requires_grad=True)
W2 = tg.tensor(rng.normal(0, 0.5, (4, 1)), requires_grad=True)
for epoch in range(30):
    with tg.no_grad():
        hidden = np.tanh(X @ W1)
    loss = np.mean((hidden.numpy() @ W2 - y) ** 2)
    loss.backward()
    with tg.no_grad():
        for p in (W1, W2):
            if p.grad is not None:
                p -= 0.1 * p.grad
                p.grad = None
