# causes: wrong-operand
import numpy as np
from sklearn.datasets import load_iris
iris = load_iris()
X = (iris.data - iris.data.mean(0)) / iris.data.std(0)
Y = np.eye(3)[iris.target]
rng = np.random.default_rng(1)
p = {"W1": rng.normal(0, .5, (4, 3)), "b1": np.zeros(3), "W2": rng.normal(0, .5, (3, 3)), "b2": np.zeros(3)}
for e in range(400):
    h = 1 / (1 + np.exp(-(X @ p["W1"] + p["b1"])))
    s = np.exp(h @ p["W2"] + p["b2"])
    q = s / s.sum(1, keepdims=True)
    d2 = (q - Y) / 150
    d1 = d2 @ p["W2"] * h * (1 - h)
    p["W2"] -= h.T @ d2
    p["b2"] -= d2.sum(0)
    p["W1"] -= X.T @ d1
    p["b1"] -= d1.sum(0)
    if e % 40 == 0:
        print(e, -np.log(q[range(150), iris.target]).mean())
