# causes: wrong-sign
import numpy as np
np.random.seed(0)
X = np.random.rand(50, 3); y = X @ np.array([[1.], [2.], [-1.]]) + 0.5
w1 = np.random.randn(3, 5); b1 = np.zeros((1, 5)); w2 = np.random.randn(5, 1); b2 = np.zeros((1, 1))
for i in range(500):
    h = np.maximum(X @ w1 + b1, 0)
    o = h @ w2 + b2
    do = (o - y) / 50
    dw2 = h * do
    dw2 = dw2.sum(axis=0).reshape(5, 1)
    dh = do * w2.T
    dh[h == 0] = 0
    dw1 = X.T @ dh
    db1 = dh.sum(axis=0); db2 = do.sum()
    w1 += -0.1 * dw1; b1 += -0.1 * db1; w2 += 0.1 * dw2; b2 += -0.1 * db2
    if i % 100 == 0: print(np.square(o - y).mean())
