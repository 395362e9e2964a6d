# causes: evaluation-wrong
import numpy as np
rng = np.random.default_rng(42)
y = rng.integers(0, 3, 150)
X = rng.normal(0, .5, (150, 2)) + np.array([[0, 2], [2, -1], [-2, -1]])[y]
Y = np.eye(3)[y]
W = rng.normal(0, .1, (2, 3)); b = np.zeros((1, 3))
for epoch in range(200):
    z = X @ W + b
    e = np.exp(z - z.max(axis=1, keepdims=True))
    p = e / e.sum(axis=1, keepdims=True)
    loss = -np.sum(Y * np.log(p)) / 150
    g = (p - Y) / 150
    W -= 0.5 * X.T @ g
    b -= 0.5 * g.sum(axis=0, keepdims=True)
    acc = np.mean(np.argmax(p, axis=0) == np.argmax(Y, axis=0))
    if epoch % 50 == 0:
        print(f"epoch {epoch} loss {loss:.3f} accuracy {acc:.3f}")
