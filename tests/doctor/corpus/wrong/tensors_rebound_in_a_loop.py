# causes: not-updated
import numpy as np

import tinygrad_bp as tg

rng = np.random.default_rng(0)
X = rng.normal(size=(40, 2))
y = (X[:, :1] > 0).astype(float)
W = tg.tensor(rng.normal(0, 0.5, (2, 1)), requires_grad=True)
b = tg.tensor(np.zeros(1), requires_grad=True)
params = [W, b]
for epoch in range(30):
    loss = tg.nn.bce_with_logits(X @ W + b, y)
    loss.backward()
    for p in params:
        p = p.detach() - 0.5 * p.grad
    W.grad = b.grad = None
