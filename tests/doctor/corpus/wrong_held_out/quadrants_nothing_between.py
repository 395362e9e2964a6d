# causes: no-activation
import numpy as np

rng = np.random.default_rng(7)
X = rng.uniform(-1, 1, (150, 2))
Y = np.eye(2)[(X[:, 0] * X[:, 1] > 0).astype(int)]
net = {"W1": rng.normal(0, 0.5, (2, 12)), "b1": np.zeros(12),
       "W2": rng.normal(0, 0.5, (12, 2)), "b2": np.zeros(2)}
for step in range(150):
    hidden = X @ net["W1"] + net["b1"]
    score = hidden @ net["W2"] + net["b2"]
    e = np.exp(score - score.max(axis=1, keepdims=True))
    p = e / e.sum(axis=1, keepdims=True)
    d = (p - Y) / len(X)
    back = d @ net["W2"].T
    grad = {"W2": hidden.T @ d, "b2": d.sum(axis=0), "W1": X.T @ back, "b1": back.sum(axis=0)}
    for k in net:
        net[k] -= 0.5 * grad[k]
print("right:", np.mean(p.argmax(axis=1) == Y.argmax(axis=1)))
