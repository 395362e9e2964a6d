# causes: none
import numpy as np
rng = np.random.default_rng(23)
X = rng.normal(size=(300, 3)); logits = X @ [1.0, -1.0, 0.5]
y = (rng.random(300) < 1 / (1 + np.exp(-logits))).astype(float)
w, b, lr = np.zeros(3), 0.0, 0.5
for e in range(400):
    p = 1 / (1 + np.exp(-(X @ w + b)))
    w -= lr * X.T @ (p - y) / 300
    b -= lr * (p - y).mean()
    lr *= 0.97
print(np.mean((p > .5) == y))
