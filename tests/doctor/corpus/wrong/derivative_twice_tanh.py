# causes: derivative-twice
import numpy as np
rng = np.random.default_rng(55)
x = np.linspace(0, 1, 50).reshape(-1, 1); y = np.cos(4 * x)
W1 = rng.normal(0, 2, (1, 12)); b1 = rng.normal(0, 1, (1, 12)); W2 = rng.normal(0, .3, (12, 1)); b2 = np.zeros((1, 1))
def tanh_prime(a): return 1 - a ** 2
def backprop(h, err):
    grads = {}
    grads["W2"] = h.T @ err
    grads["b2"] = err.sum(0, keepdims=True)
    dh = (err @ W2.T) * tanh_prime(h)
    grads["W1"] = x.T @ (dh * tanh_prime(h))
    grads["b1"] = dh.sum(0, keepdims=True)
    return grads
for epoch in range(1000):
    h = np.tanh(x @ W1 + b1)
    o = h @ W2 + b2
    g = backprop(h, (o - y) / len(x))
    W1 -= .1 * g["W1"]; b1 -= .1 * g["b1"]; W2 -= .1 * g["W2"]; b2 -= .1 * g["b2"]
    if epoch % 250 == 0: print(epoch, float(((o - y) ** 2).mean()))
