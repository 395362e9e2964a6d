# causes: derivative-on-z|wrong-gradient|derivative-twice
import numpy as np
# two moons made by hand
rng = np.random.default_rng(3)
m = 200
t = rng.random(m // 2) * np.pi
upper = np.c_[np.cos(t), np.sin(t)]
lower = np.c_[1 - np.cos(t), 0.5 - np.sin(t)]
X = np.r_[upper, lower].T + rng.normal(0, 0.1, (2, m))
Y = np.r_[np.zeros(m // 2), np.ones(m // 2)].reshape(1, m)


def initialize_parameters(n_x, n_h, n_y):
    W1 = rng.normal(size=(n_h, n_x)) * 0.5
    b1 = np.zeros((n_h, 1))
    W2 = rng.normal(size=(n_y, n_h)) * 0.5
    b2 = np.zeros((n_y, 1))
    return {"W1": W1, "b1": b1, "W2": W2, "b2": b2}


def forward_propagation(X, parameters):
    Z1 = np.dot(parameters["W1"], X) + parameters["b1"]
    A1 = np.tanh(Z1)
    Z2 = np.dot(parameters["W2"], A1) + parameters["b2"]
    A2 = 1 / (1 + np.exp(-Z2))
    return A2, {"Z1": Z1, "A1": A1, "Z2": Z2, "A2": A2}


def compute_cost(A2, Y):
    m = Y.shape[1]
    return -np.sum(Y * np.log(A2) + (1 - Y) * np.log(1 - A2)) / m


def backward_propagation(parameters, cache, X, Y):
    m = X.shape[1]
    A1, A2 = cache["A1"], cache["A2"]
    dZ2 = A2 - Y
    dW2 = np.dot(dZ2, A1.T) / m
    db2 = np.sum(dZ2, axis=1, keepdims=True) / m
    dZ1 = np.dot(parameters["W2"].T, dZ2) * (1 - np.tanh(A1) ** 2)
    dW1 = np.dot(dZ1, X.T) / m
    db1 = np.sum(dZ1, axis=1, keepdims=True) / m
    return {"dW1": dW1, "db1": db1, "dW2": dW2, "db2": db2}


def nn_model(X, Y, n_h, num_iterations=1500, learning_rate=0.8):
    parameters = initialize_parameters(2, n_h, 1)
    for i in range(num_iterations):
        A2, cache = forward_propagation(X, parameters)
        cost = compute_cost(A2, Y)
        grads = backward_propagation(parameters, cache, X, Y)
        for name in ("W1", "b1", "W2", "b2"):
            parameters[name] = parameters[name] - learning_rate * grads["d" + name]
        if i % 500 == 0:
            print("Cost after iteration %i: %f" % (i, cost))
    return parameters


parameters = nn_model(X, Y, 5)
A2, _ = forward_propagation(X, parameters)
print("Accuracy:", np.mean((A2 > 0.5) == Y))
