# causes: softmax-shift|exp-overflow|unscaled-inputs
import numpy as np
rng = np.random.default_rng(77)
K = 3
y = rng.integers(0, K, 150)
X = rng.normal(0, 30, (150, 4)) + 400 * np.eye(4)[y]
W = rng.normal(0, 1, (4, K)); b = np.zeros(K)
def softmax(s):
    e = np.exp(s)
    return e / e.sum(axis=1, keepdims=True)
for it in range(100):
    P = softmax(X @ W + b)
    loss = -np.log(P[np.arange(150), y]).mean()
    G = P.copy(); G[np.arange(150), y] -= 1; G /= 150
    W -= 0.1 * X.T @ G; b -= 0.1 * G.sum(0)
    if it % 20 == 0: print(it, loss)
