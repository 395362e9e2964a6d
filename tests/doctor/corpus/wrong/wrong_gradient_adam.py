# causes: wrong-gradient|wrong-operand
import numpy as np
rng = np.random.default_rng(56)
X = rng.normal(size=(100, 4)); Y = np.tanh(X @ rng.normal(size=(4, 2)))
W1 = rng.normal(size=(4, 8)) * .5; W2 = rng.normal(size=(8, 2)) * .5
b1 = np.zeros(8); b2 = np.zeros(2)
m = [0, 0, 0, 0]; v = [0, 0, 0, 0]
for t in range(1, 501):
    H = np.tanh(X @ W1 + b1); O = H @ W2 + b2
    E = (O - Y) / 100
    dW2 = H.T @ E; db2 = E.sum(0)
    dH = E @ W2.T * (1 - H) ** 2
    dW1 = X.T @ dH; db1 = dH.sum(0)
    P = [W1, b1, W2, b2]
    for j, g in enumerate([dW1, db1, dW2, db2]):
        m[j] = .9 * m[j] + .1 * g
        v[j] = .999 * v[j] + .001 * g * g
        P[j] -= .01 * (m[j] / (1 - .9 ** t)) / (np.sqrt(v[j] / (1 - .999 ** t)) + 1e-8)
    if t % 100 == 0: print(t, (E ** 2).sum() * 100)
