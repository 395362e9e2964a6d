# causes: none
import numpy as np
from sklearn.datasets import load_iris
data = load_iris()
X = ((data.data - data.data.mean(0)) / data.data.std(0)).T
Y = np.eye(3)[data.target].T
m = X.shape[1]
np.random.seed(3)
dims = [4, 10, 6, 3]
parameters = {}
velocity = {}
L = len(dims) - 1
for l in range(1, L + 1):
    parameters['W' + str(l)] = np.random.randn(dims[l], dims[l - 1]) * np.sqrt(2 / dims[l - 1])
    parameters['b' + str(l)] = np.zeros((dims[l], 1))
    velocity['W' + str(l)] = np.zeros_like(parameters['W' + str(l)])
    velocity['b' + str(l)] = np.zeros_like(parameters['b' + str(l)])

for i in range(400):
    A = X
    caches = []
    for l in range(1, L + 1):
        Z = parameters['W' + str(l)] @ A + parameters['b' + str(l)]
        caches.append((A, Z))
        if l < L:
            A = np.maximum(0, Z)
        else:
            e = np.exp(Z - np.max(Z, axis=0, keepdims=True))
            A = e / np.sum(e, axis=0, keepdims=True)
    cost = -np.sum(Y * np.log(A + 1e-9)) / m
    dZ = A - Y
    grads = {}
    for l in reversed(range(1, L + 1)):
        A_prev, Z = caches[l - 1]
        grads['W' + str(l)] = dZ @ A_prev.T / m
        grads['b' + str(l)] = np.sum(dZ, axis=1, keepdims=True) / m
        if l > 1:
            dA = parameters['W' + str(l)].T @ dZ
            dZ = dA * (caches[l - 2][1] > 0)
    for key in parameters:
        velocity[key] = 0.9 * velocity[key] + 0.1 * grads[key]
        parameters[key] = parameters[key] - 0.3 * velocity[key]
    if i % 100 == 0:
        print("cost after", i, cost)
print("accuracy", np.mean(A.argmax(0) == data.target))
