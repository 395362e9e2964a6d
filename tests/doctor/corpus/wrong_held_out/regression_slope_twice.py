# causes: derivative-twice
import numpy as np
np.random.seed(2)
x = np.random.uniform(-2, 2, (120, 1))
y = x ** 3 / 4
W1, b1 = np.random.randn(1, 12), np.random.randn(12)
W2, b2 = np.random.randn(12, 1) * .3, np.zeros(1)
def act(z): return np.tanh(z)
def act_grad(a): return 1 - a ** 2
def forward():
    a = act(x @ W1 + b1)
    return a, a @ W2 + b2
def backward(a, out):
    e = 2 * (out - y) / len(x)
    d_hidden = e @ W2.T * act_grad(a)
    return x.T @ (d_hidden * act_grad(a)), (d_hidden * act_grad(a)).sum(0), a.T @ e, e.sum(0)
for t in range(1000):
    a, out = forward()
    g = backward(a, out)
    W1 -= .1 * g[0]; b1 -= .1 * g[1]; W2 -= .1 * g[2]; b2 -= .1 * g[3]
    if t % 100 == 0: print(t, np.mean((out - y) ** 2))
