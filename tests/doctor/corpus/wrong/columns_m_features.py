# causes: m-is-shape|not-averaged
import numpy as np
np.random.seed(1)

X = np.random.randn(2, 400)
Y = (np.sum(X ** 2, axis=0, keepdims=True) < 1.2).astype(int)

n_x, n_h, n_y = 2, 6, 1
m = X.shape[0]

params = {
    "W1": np.random.randn(n_h, n_x) * 0.5, "b1": np.zeros((n_h, 1)),
    "W2": np.random.randn(n_y, n_h) * 0.5, "b2": np.zeros((n_y, 1)),
}

def forward_propagation(X, params):
    Z1 = np.dot(params["W1"], X) + params["b1"]
    A1 = np.tanh(Z1)
    Z2 = np.dot(params["W2"], A1) + params["b2"]
    A2 = 1 / (1 + np.exp(-Z2))
    return A2, {"A1": A1, "A2": A2}

def backward_propagation(params, cache, X, Y):
    dZ2 = cache["A2"] - Y
    dW2 = np.dot(dZ2, cache["A1"].T) / m
    db2 = np.sum(dZ2, axis=1, keepdims=True) / m
    dZ1 = np.dot(params["W2"].T, dZ2) * (1 - np.power(cache["A1"], 2))
    dW1 = np.dot(dZ1, X.T) / m
    db1 = np.sum(dZ1, axis=1, keepdims=True) / m
    return {"W1": dW1, "b1": db1, "W2": dW2, "b2": db2}

for i in range(1500):
    A2, cache = forward_propagation(X, params)
    cost = -np.sum(Y * np.log(A2 + 1e-8) + (1 - Y) * np.log(1 - A2 + 1e-8)) / m
    grads = backward_propagation(params, cache, X, Y)
    for k in params:
        params[k] = params[k] - 1.2 * grads[k]
    if i % 100 == 0:
        print("Cost after iteration %i: %f" % (i, cost))
print("accuracy", np.mean((A2 > 0.5) == Y))
