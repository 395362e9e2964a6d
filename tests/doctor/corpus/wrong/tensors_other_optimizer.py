# causes: not-updated
import numpy as np

import tinygrad_bp as tg

rng = np.random.default_rng(0)
X = rng.normal(size=(30, 2))
y = (X[:, :1] > 0).astype(float)
first, second = tg.nn.Linear(2, 4, rng=0), tg.nn.Linear(4, 1, rng=1)
optimizer = tg.optim.SGD(second.parameters(), lr=0.5)
for epoch in range(40):
    loss = tg.nn.bce_with_logits(second(np.tanh(first(X))), y)
    loss.backward()
    optimizer.step()
    optimizer.zero_grad()
    for p in first.parameters():
        p.grad = None
