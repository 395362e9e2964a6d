# causes: never-reset
import numpy as np
import tinygrad_bp as tg
rng = np.random.default_rng(61)
X = rng.normal(size=(80, 2)); Y = (X[:, :1] ** 2 + X[:, 1:] > .5).astype(float)
class Net(tg.nn.Module):
    def __init__(self):
        self.l1 = tg.nn.Linear(2, 8, rng=rng)
        self.l2 = tg.nn.Linear(8, 1, rng=rng)
    def forward(self, x):
        return self.l2(self.l1(x).tanh())
net = Net()
opt = tg.optim.SGD(net.parameters(), lr=.5)
def train():
    for i in range(200):
        p = net.forward(tg.Tensor(X)).sigmoid()
        loss = ((p - Y) ** 2).mean()
        loss.backward()
        opt.step()
        if i % 50 == 0: print(i, loss.item())
train()
