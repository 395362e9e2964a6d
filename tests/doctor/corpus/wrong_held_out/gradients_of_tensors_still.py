# causes: not-updated
import numpy as np, tinygrad_bp as tg
rng = np.random.default_rng(5)
X = rng.uniform(-1, 1, (160, 2)); y = (X[:, :1] * X[:, 1:] > 0).astype(float)
W1, b1 = tg.tensor(rng.normal(0, 1, (2, 10)), requires_grad=True), tg.tensor(np.zeros(10), requires_grad=True)
W2, b2 = tg.tensor(rng.normal(0, 1, (10, 1)), requires_grad=True), tg.tensor(np.zeros(1), requires_grad=True)
for k in range(1500):
    q = tg.sigmoid(np.tanh(X @ W1 + b1) @ W2 + b2)
    loss = -np.mean(y * np.log(q) + (1 - y) * np.log(1 - q))
    g = tg.gradients(loss, [W1, b1, W2, b2])
    W2, b2 = [tg.tensor((w - 1.0 * d).numpy(), requires_grad=True) for w, d in zip((W2, b2), g[2:])]
    if k % 300 == 0: print(k, loss.item())
