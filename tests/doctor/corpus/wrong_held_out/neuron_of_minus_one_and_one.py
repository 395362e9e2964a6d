# causes: labels-not-01|target-out-of-range
import numpy as np
np.random.seed(1)
# AND with a neuron, targets -1 and 1
inputs = np.array([[0,0],[0,1],[1,0],[1,1]])
targets = np.array([-1, -1, -1, 1])
weights = np.random.randn(2); bias = 0.0
for epoch in range(2000):
    for x, t in zip(inputs, targets):
        z = np.dot(weights, x) + bias
        out = 1/(1+np.exp(-z))
        err = out - t
        weights = weights - 0.1 * err * x
        bias = bias - 0.1 * err
for x, t in zip(inputs, targets):
    print(x, 1/(1+np.exp(-(weights @ x + bias))), t)
