# causes: label-broadcast
import numpy as np
import tinygrad_bp as tg
rng = np.random.default_rng(118)
X = rng.normal(size=(64, 3)); y = X @ np.array([1., 2., -1.])
model = tg.nn.Sequential(tg.nn.Linear(3, 8, rng=rng), tg.nn.Tanh(), tg.nn.Linear(8, 1, rng=rng))
opt = tg.optim.Adam(model.parameters(), lr=.01)
def train():
    for epoch in range(100):
        opt.zero_grad()
        loss = tg.nn.mse(model(tg.tensor(X)), y) if False else ((model(tg.tensor(X)) - y) ** 2).mean()
        loss.backward(); opt.step()
        if epoch % 25 == 0: print(loss.item())
train()
