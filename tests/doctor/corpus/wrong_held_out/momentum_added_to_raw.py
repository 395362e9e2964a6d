# causes: updated-too-early
import numpy as np
rng = np.random.default_rng(119)
X = rng.normal(size=(2, 100)); Y = (X[0:1] * X[1:2] > 0) * 1.
params = {"W1": rng.normal(size=(6, 2)), "b1": np.zeros((6, 1)), "W2": rng.normal(size=(1, 6)), "b2": np.zeros((1, 1))}
lr = 2.0
for i in range(500):
    A1 = np.tanh(params["W1"] @ X + params["b1"]); A2 = 1 / (1 + np.exp(-(params["W2"] @ A1 + params["b2"])))
    dZ2 = A2 - Y
    dW2 = dZ2 @ A1.T / 100
    params["W2"] = params["W2"] - lr * dW2
    params["b2"] = params["b2"] - lr * dZ2.mean(axis=1, keepdims=True)
    dZ1 = params["W2"].T @ dZ2 * (1 - A1 ** 2)
    params["W1"] = params["W1"] - lr * dZ1 @ X.T / 100
    params["b1"] = params["b1"] - lr * dZ1.mean(axis=1, keepdims=True)
    if i % 100 == 0: print(i, ((A2 > .5) == Y).mean())
