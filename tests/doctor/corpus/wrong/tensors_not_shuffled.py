# causes: not-shuffled
import numpy as np, tinygrad_bp as tg
rng = np.random.default_rng(1); X = np.r_[rng.normal(size=(40, 2)) - 1, rng.normal(size=(40, 2)) + 1]; y = np.r_[np.zeros((40, 1)), np.ones((40, 1))]
m = tg.nn.Linear(2, 1, rng=rng); o = tg.optim.SGD(m.parameters(), lr=.1)
for e in range(20):
    for s in range(0, 80, 20):
        o.zero_grad(); loss = tg.nn.bce_with_logits(m(tg.tensor(X[s:s+20])), y[s:s+20]); loss.backward(); o.step()
