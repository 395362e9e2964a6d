# causes: labels-not-01
import numpy as np, tinygrad_bp as tg
rng = np.random.default_rng(1); X = rng.normal(size=(40, 2)); y = np.where(X[:, :1] > 0, 1., -1.)
m = tg.nn.Sequential(tg.nn.Linear(2, 4, rng=rng), tg.nn.Tanh(), tg.nn.Linear(4, 1, rng=rng)); o = tg.optim.SGD(m.parameters(), lr=.1)
for e in range(50):
    o.zero_grad(); loss = ((m(tg.tensor(X)).sigmoid() - y) ** 2).mean(); loss.backward(); o.step()
