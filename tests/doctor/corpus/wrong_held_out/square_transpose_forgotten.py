# causes: wrong-operand
import numpy as np
rng = np.random.RandomState(104)
X = rng.randn(80, 6); T = np.tanh(X @ rng.randn(6, 6))
P = {"W1": rng.randn(6, 6) * .4, "W2": rng.randn(6, 6) * .4, "b1": np.zeros(6), "b2": np.zeros(6)}
def step(P, X, T, lr):
    H = np.tanh(X @ P["W1"] + P["b1"])
    O = np.tanh(H @ P["W2"] + P["b2"])
    dO = (O - T) * (1 - O ** 2) / len(X)
    dH = (dO @ P["W2"]) * (1 - H ** 2)
    P["W2"] -= lr * H.T @ dO; P["b2"] -= lr * dO.sum(0)
    P["W1"] -= lr * X.T @ dH; P["b1"] -= lr * dH.sum(0)
    return ((O - T) ** 2).mean()
for i in range(500):
    loss = step(P, X, T, .5)
    if i % 100 == 0: print(i, loss)
