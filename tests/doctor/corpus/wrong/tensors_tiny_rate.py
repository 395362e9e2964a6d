# causes: step-too-small
import numpy as np
import tinygrad_bp as tg
from tinygrad_bp import nn, optim

rng = np.random.default_rng(3)
X = rng.normal(size=(200, 2))
y = ((X[:, 0] * X[:, 1]) > 0).astype(float).reshape(-1, 1)

class Net(nn.Module):
    def __init__(self):
        self.l1 = nn.Linear(2, 8, rng=1)
        self.l2 = nn.Linear(8, 1, rng=2)

    def forward(self, x):
        h = np.tanh(self.l1(x))
        return self.l2(h)

net = Net()
opt = optim.SGD(net.parameters(), 1e-5)
for epoch in range(300):
    opt.zero_grad()
    p = net(X)
    loss = nn.bce_with_logits(p, y)
    loss.backward()
    opt.step()
    if epoch % 50 == 0:
        print(epoch, loss.item())
