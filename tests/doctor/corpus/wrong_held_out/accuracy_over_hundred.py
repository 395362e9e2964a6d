# causes: metric-never-reset
import numpy as np
from sklearn.datasets import load_iris

iris = load_iris()
rng = np.random.default_rng(0)
perm = rng.permutation(150)
X = ((iris.data - iris.data.mean(0)) / iris.data.std(0))[perm]
y = iris.target[perm]
W = rng.normal(0, 0.1, (4, 3)); b = np.zeros(3)
correct = 0
running_loss = 0.0
for epoch in range(20):
    for k in range(0, 150, 15):
        xb, yb = X[k:k + 15], y[k:k + 15]
        s = xb @ W + b
        p = np.exp(s - s.max(1, keepdims=True)); p /= p.sum(1, keepdims=True)
        running_loss += -np.log(p[np.arange(15), yb]).sum()
        correct += (p.argmax(1) == yb).sum()
        p[np.arange(15), yb] -= 1
        W -= 0.1 * xb.T @ p / 15
        b -= 0.1 * p.mean(0)
    print(f"epoch {epoch}: loss {running_loss / 150:.3f} accuracy {correct / 150:.3f}")
