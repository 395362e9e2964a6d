# causes: never-reset
import numpy as np

import tinygrad_bp as tg

rng = np.random.default_rng(0)
X = rng.normal(size=(60, 2))
y = (X[:, :1] * X[:, 1:] > 0).astype(float)
net = tg.nn.Sequential(tg.nn.Linear(2, 6, rng=0), tg.nn.Tanh(), tg.nn.Linear(6, 1, rng=1))
optimizer = tg.optim.SGD(net.parameters(), lr=0.5)
for epoch in range(40):
    loss = tg.nn.bce_with_logits(net(X), y)
    loss.backward()
    optimizer.step()
