# causes: init-too-large
import numpy as np, tinygrad_bp as tg
rng = np.random.default_rng(1); X = rng.normal(size=(60, 2)) * 40; y = rng.integers(0, 3, 60)
W = tg.tensor(rng.normal(size=(2, 3)) * 3, requires_grad=True)
for e in range(50):
    loss = tg.nn.cross_entropy(tg.tensor(X) @ W, y); loss.backward()
    with tg.no_grad(): W -= .001 * W.grad
    W.grad = None
