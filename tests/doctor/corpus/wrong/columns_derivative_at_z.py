# causes: derivative-on-z
import numpy as np

rng = np.random.default_rng(4)
X = rng.normal(size=(3, 80))
Y = (np.sum(X**2, axis=0, keepdims=True) > 2.4).astype(float)
m = X.shape[1]


def sigma(z):
    return 1 / (1 + np.exp(-z))


params = {
    "W1": rng.normal(0, 0.6, (7, 3)),
    "b1": np.zeros((7, 1)),
    "W2": rng.normal(0, 0.6, (1, 7)),
    "b2": np.zeros((1, 1)),
}
for i in range(1, 2001):
    Z1 = params["W1"] @ X + params["b1"]
    A1 = sigma(Z1)
    Z2 = params["W2"] @ A1 + params["b2"]
    A2 = sigma(Z2)
    cost = -np.mean(Y * np.log(A2) + (1 - Y) * np.log(1 - A2))
    dZ2 = A2 - Y
    dZ1 = np.dot(params["W2"].T, dZ2) * Z1 * (1 - Z1)
    grads = {
        "W2": dZ2 @ A1.T / m,
        "b2": dZ2.sum(axis=1, keepdims=True) / m,
        "W1": dZ1 @ X.T / m,
        "b1": dZ1.sum(axis=1, keepdims=True) / m,
    }
    for key in params:
        params[key] = params[key] - 0.8 * grads[key]
    if i % 200 == 0:
        print("Cost after", i, cost)
