# causes: wrong-operand|missing-derivative
import numpy as np
from sklearn.datasets import load_iris
iris = load_iris()
X = (iris.data - iris.data.mean(0)) / iris.data.std(0)
T = np.eye(3)[iris.target]
rng = np.random.RandomState(0)
Wh = rng.randn(4, 6) * 0.4; bh = np.zeros(6)
Wo = rng.randn(6, 3) * 0.4; bo = np.zeros(3)
lr = 0.5
for ep in range(300):
    H = 1 / (1 + np.exp(-(X @ Wh + bh)))
    S = H @ Wo + bo
    e = np.exp(S - S.max(axis=1, keepdims=True))
    P = e / e.sum(axis=1, keepdims=True)
    dS = (P - T) / len(X)
    dWo = H.T @ dS; dbo = dS.sum(0)
    dZ = dS @ Wo.T * H * (1 - H)
    dWh = X.T @ (dS @ Wo.T) ; dbh = dZ.sum(0)
    Wo -= lr * dWo; bo -= lr * dbo; Wh -= lr * dWh; bh -= lr * dbh
    if ep % 60 == 0: print(ep, -np.mean(np.log((P * T).sum(1))), (P.argmax(1) == iris.target).mean())
