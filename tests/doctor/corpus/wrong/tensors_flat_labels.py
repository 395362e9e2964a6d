# causes: label-broadcast
import numpy as np

import tinygrad_bp as tg

rng = np.random.default_rng(0)
X = rng.normal(size=(30, 2))
y = X[:, 0] * 2
net = tg.nn.Linear(2, 1, rng=0)
optimizer = tg.optim.SGD(net.parameters(), lr=0.1)
for epoch in range(40):
    optimizer.zero_grad()
    loss = np.mean((net(X) - y) ** 2)
    loss.backward()
    optimizer.step()
