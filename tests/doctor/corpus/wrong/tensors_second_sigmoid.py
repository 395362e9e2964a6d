# causes: double-sigmoid
import numpy as np

import tinygrad_bp as tg

rng = np.random.default_rng(0)
X = rng.normal(size=(60, 2))
y = (X[:, :1] > X[:, 1:]).astype(float)
net = tg.nn.Sequential(tg.nn.Linear(2, 4, rng=0), tg.nn.Tanh(), tg.nn.Linear(4, 1, rng=1), tg.nn.Sigmoid())
optimizer = tg.optim.Adam(net.parameters(), lr=0.01)
for epoch in range(40):
    optimizer.zero_grad()
    loss = tg.nn.bce_with_logits(net(X), y)
    loss.backward()
    optimizer.step()
