# causes: dead-relu
import numpy as np, tinygrad_bp as tg
rng = np.random.default_rng(1); X = np.abs(rng.normal(size=(40, 2))); y = X[:, :1] * 2 - 1
m = tg.nn.Sequential(tg.nn.Linear(2, 8, rng=rng), tg.nn.ReLU(), tg.nn.Linear(8, 1, rng=rng)); o = tg.optim.SGD(m.parameters(), lr=.01)
with tg.no_grad():
    m.layers[0].b -= 20.
for e in range(100):
    o.zero_grad(); loss = tg.nn.mse(m(tg.tensor(X)), y); loss.backward(); o.step()
