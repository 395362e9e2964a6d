# causes: not-updated
import numpy as np
import tinygrad_bp as tg
from tinygrad_bp import nn, optim
rng = np.random.default_rng(8)
X = rng.normal(size=(120, 4)); y = (X[:, 0] > X[:, 1]).astype(int)
def build(): return nn.Sequential(nn.Linear(4, 12, rng=0), nn.ReLU(), nn.Linear(12, 2, rng=1))
model = build()
opt = optim.Adam(model.parameters(), lr=0.01)
model = build()
for epoch in range(60):
    for p in model.parameters():
        p.zero_grad()
    loss = nn.cross_entropy(model(X), y)
    loss.backward()
    opt.step()
