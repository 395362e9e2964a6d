# causes: bias-axis
import numpy as np

def init_params(n_x, n_h, n_y):
    np.random.seed(2)
    return {
        "W1": np.random.randn(n_h, n_x) * 0.5,
        "b1": np.zeros((n_h, 1)),
        "W2": np.random.randn(n_y, n_h) * 0.5,
        "b2": np.zeros((n_y, 1)),
    }

def forward_propagation(X, params):
    Z1 = np.dot(params["W1"], X) + params["b1"]
    A1 = np.tanh(Z1)
    Z2 = np.dot(params["W2"], A1) + params["b2"]
    A2 = 1 / (1 + np.exp(-Z2))
    return A2, {"Z1": Z1, "A1": A1, "Z2": Z2, "A2": A2}

def compute_cost(A2, Y):
    m = Y.shape[1]
    return -np.sum(Y * np.log(A2) + (1 - Y) * np.log(1 - A2)) / m

def backward_propagation(params, cache, X, Y):
    m = X.shape[1]
    dZ2 = cache["A2"] - Y
    dW2 = np.dot(dZ2, cache["A1"].T) / m
    db2 = np.sum(dZ2) / m
    dZ1 = np.dot(params["W2"].T, dZ2) * (1 - np.power(cache["A1"], 2))
    dW1 = np.dot(dZ1, X.T) / m
    db1 = np.sum(dZ1) / m
    return {"dW1": dW1, "db1": db1, "dW2": dW2, "db2": db2}

def update_parameters(params, grads, learning_rate=0.8):
    for key in ("W1", "b1", "W2", "b2"):
        params[key] = params[key] - learning_rate * grads["d" + key]
    return params

def nn_model(X, Y, n_h, num_iterations=1000):
    params = init_params(X.shape[0], n_h, Y.shape[0])
    for i in range(num_iterations):
        A2, cache = forward_propagation(X, params)
        cost = compute_cost(A2, Y)
        grads = backward_propagation(params, cache, X, Y)
        params = update_parameters(params, grads)
        if i % 200 == 0:
            print("Cost after iteration %i: %f" % (i, cost))
    return params

np.random.seed(0)
t = np.random.rand(1, 300) * 6.28
r = np.where(np.arange(300) % 2 == 0, 0.6, 1.4) + 0.1 * np.random.randn(300)
X = np.vstack([r * np.cos(t), r * np.sin(t)])
Y = (np.arange(300) % 2).reshape(1, -1)
params = nn_model(X, Y, 4)
A2, _ = forward_propagation(X, params)
print("Accuracy:", np.mean((A2 > 0.5) == Y))
