# causes: not-updated
import numpy as np
import tinygrad_bp as tg
rng = np.random.default_rng(117)
X = rng.normal(size=(50, 2)); y = X[:, :1] * 2 - 1
params = [tg.tensor(rng.normal(size=(2, 4)), requires_grad=True), tg.tensor(rng.normal(size=(4, 1)), requires_grad=True)]
for epoch in range(100):
    out = (tg.tensor(X) @ params[0]).tanh() @ params[1]
    loss = ((out - y) ** 2).mean()
    for p in params: p.grad = None
    loss.backward()
    with tg.no_grad():
        for p in params:
            p = p - 0.1 * p.grad
    if epoch % 20 == 0: print(epoch, loss.item())
