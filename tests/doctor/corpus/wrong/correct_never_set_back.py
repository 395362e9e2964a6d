# causes: metric-never-reset
import numpy as np

rng = np.random.default_rng(57)
X = rng.normal(size=(60, 2))
y = (X[:, 0] > X[:, 1]).astype(float)
w, b = np.zeros(2), 0.0
correct = 0
for epoch in range(40):
    for x, t in zip(X, y):
        p = 1 / (1 + np.exp(-(w @ x + b)))
        correct += int((p > 0.5) == t)
        w -= 0.1 * (p - t) * x
        b -= 0.1 * (p - t)
    print(f"epoch {epoch}: accuracy {correct / len(X):.2f}")
