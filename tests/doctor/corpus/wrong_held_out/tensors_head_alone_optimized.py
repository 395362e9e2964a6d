# causes: not-updated
import numpy as np
import tinygrad_bp as tg
from tinygrad_bp import nn, optim, data

table = data.circles(200, seed=3)
X, y = table.X, table.y.reshape(-1, 1)


class Net(nn.Module):
    def __init__(self, rng):
        self.encoder = nn.Linear(2, 4, rng=rng)
        self.head = nn.Linear(4, 1, rng=rng)

    def __call__(self, x):
        return self.head(np.tanh(self.encoder(x)))


net = Net(np.random.default_rng(8))
opt = optim.Adam(net.head.parameters(), lr=0.05)
for i in range(400):
    loss = nn.bce_with_logits(net(X), y)
    opt.zero_grad()
    loss.backward()
    opt.step()
    if i % 50 == 0:
        print(i, loss.item())
print("loss", loss.item(), "accuracy", np.mean((net(X).numpy() > 0) == y))
