# causes: none
import numpy as np

import tinygrad_bp as tg

rng = np.random.default_rng(0)
X = rng.normal(size=(80, 2))
y = (X[:, :1] * X[:, 1:] > 0).astype(float)
net = tg.nn.Sequential(tg.nn.Linear(2, 8, rng=0), tg.nn.Tanh(), tg.nn.Linear(8, 1, rng=1))
optimizer = tg.optim.Adam(net.parameters(), lr=0.02)
for epoch in range(150):
    order = rng.permutation(80)
    for k in range(0, 80, 20):
        batch = order[k : k + 20]
        optimizer.zero_grad()
        loss = tg.nn.bce_with_logits(net(X[batch]), y[batch])
        loss.backward()
        optimizer.step()
