# causes: wrong-operand|wrong-gradient
import numpy as np

def get_batches(X, y, size, rng):
    idx = rng.permutation(X.shape[0])
    for i in range(0, X.shape[0], size):
        j = idx[i:i + size]
        yield X[j], y[j]

def sigmoid(x): return 1 / (1 + np.exp(-x))

rng = np.random.default_rng(14)
X = rng.normal(size=(240, 5))
y = ((X[:, 0] + X[:, 1] ** 2 - 1) > 0).astype(float).reshape(-1, 1)
theta = {}
for n, (i, o) in enumerate([(5, 5), (5, 5), (5, 1)], start=1):
    theta[f"W{n}"] = rng.normal(0, np.sqrt(1 / i), size=(i, o))
    theta[f"b{n}"] = np.zeros(o)

for epoch in range(60):
    losses = []
    for xb, yb in get_batches(X, y, 24, rng):
        a1 = np.tanh(xb @ theta["W1"] + theta["b1"])
        a2 = np.tanh(a1 @ theta["W2"] + theta["b2"])
        a3 = sigmoid(a2 @ theta["W3"] + theta["b3"])
        losses.append(-np.mean(yb * np.log(a3 + 1e-12) + (1 - yb) * np.log(1 - a3 + 1e-12)))
        d3 = (a3 - yb) / len(xb)
        d2 = (d3 @ theta["W3"].T) * (1 - a2 ** 2)
        d1 = (d2 @ theta["W2"].T) * (1 - a1 ** 2)
        g = {"W3": a2.T @ d3, "b3": d3.sum(0), "W2": xb.T @ d2, "b2": d2.sum(0), "W1": xb.T @ d1, "b1": d1.sum(0)}
        for name in theta:
            theta[name] -= 0.3 * g[name]
    if epoch % 10 == 0:
        print(f"{epoch}: {np.mean(losses):.4f}")
