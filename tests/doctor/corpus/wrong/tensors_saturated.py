# causes: unscaled-inputs|saturated
import numpy as np, tinygrad_bp as tg
rng = np.random.default_rng(1); X = rng.normal(size=(40, 2)) * 1000; y = (X[:, :1] > 0) * 1.
m = tg.nn.Sequential(tg.nn.Linear(2, 8, rng=rng), tg.nn.Tanh(), tg.nn.Linear(8, 1, rng=rng)); o = tg.optim.SGD(m.parameters(), lr=1e-3)
for e in range(50):
    o.zero_grad(); loss = tg.nn.bce_with_logits(m(tg.tensor(X)), y); loss.backward(); o.step()
