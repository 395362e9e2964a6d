# causes: none
import numpy as np
import tinygrad_bp as tg
rng = np.random.default_rng(16)
X = rng.normal(size=(120, 3)); y = (X[:, 0] * X[:, 1] > 0).astype(float)[:, None]
W1 = tg.tensor(rng.normal(size=(3, 16)), requires_grad=True); b1 = tg.tensor(np.zeros(16), requires_grad=True)
W2 = tg.tensor(rng.normal(size=(16, 1)) * .3, requires_grad=True); b2 = tg.tensor(np.zeros(1), requires_grad=True)
opt = tg.optim.SGD([W1, b1, W2, b2], lr=.5)
for epoch in range(200):
    perm = rng.permutation(120)
    for s in range(0, 120, 40):
        k = perm[s:s + 40]
        p = ((tg.tensor(X[k]) @ W1 + b1).tanh() @ W2 + b2).sigmoid()
        loss = ((p - y[k]) ** 2).mean()
        opt.zero_grad(); loss.backward(); opt.step()
print(loss.item())
