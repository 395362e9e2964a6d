# causes: derivative-on-z|wrong-gradient
import numpy as np
# network as list of dicts
np.random.seed(3)
X = np.random.randn(2, 180)
Y = ((X[0:1] ** 2 - X[1:2]) > 0).astype(float)
nn_architecture = [
    {"input_dim": 2, "output_dim": 10, "activation": "tanh"},
    {"input_dim": 10, "output_dim": 10, "activation": "tanh"},
    {"input_dim": 10, "output_dim": 1, "activation": "sigmoid"},
]
def init_layers(arch):
    params = {}
    for idx, layer in enumerate(arch):
        params['W' + str(idx + 1)] = np.random.randn(layer["output_dim"], layer["input_dim"]) * 0.5
        params['b' + str(idx + 1)] = np.zeros((layer["output_dim"], 1))
    return params
def sigmoid(Z): return 1 / (1 + np.exp(-Z))
def sigmoid_backward(dA, Z):
    sig = sigmoid(Z)
    return dA * sig * (1 - sig)
def tanh_backward(dA, Z):
    return dA * (1 - Z ** 2)
def full_forward(X, params, arch):
    memory = {}
    A_curr = X
    for idx, layer in enumerate(arch):
        A_prev = A_curr
        Z = np.dot(params['W' + str(idx + 1)], A_prev) + params['b' + str(idx + 1)]
        A_curr = np.tanh(Z) if layer["activation"] == "tanh" else sigmoid(Z)
        memory['A' + str(idx)] = A_prev
        memory['Z' + str(idx + 1)] = Z
    return A_curr, memory
def full_backward(Y_hat, Y, memory, params, arch):
    grads = {}
    m = Y.shape[1]
    dA_prev = -(np.divide(Y, Y_hat) - np.divide(1 - Y, 1 - Y_hat))
    for idx, layer in reversed(list(enumerate(arch))):
        dA = dA_prev
        back = tanh_backward if layer["activation"] == "tanh" else sigmoid_backward
        dZ = back(dA, memory['Z' + str(idx + 1)])
        grads['W' + str(idx + 1)] = np.dot(dZ, memory['A' + str(idx)].T) / m
        grads['b' + str(idx + 1)] = np.sum(dZ, axis=1, keepdims=True) / m
        dA_prev = np.dot(params['W' + str(idx + 1)].T, dZ)
    return grads
params = init_layers(nn_architecture)
for i in range(1000):
    Y_hat, cache = full_forward(X, params, nn_architecture)
    grads = full_backward(Y_hat, Y, cache, params, nn_architecture)
    for k in params:
        params[k] -= 0.5 * grads[k]
    if i % 200 == 0:
        print(i, np.mean((Y_hat > 0.5) == Y))
