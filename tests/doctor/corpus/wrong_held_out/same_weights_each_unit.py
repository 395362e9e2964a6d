# causes: symmetric-init
import numpy as np
class Layer:
    def __init__(self, n_in, n_out):
        self.W = np.ones((n_in, n_out)) * 0.5
        self.b = np.zeros(n_out)
X = np.array([[0., 0.], [0., 1.], [1., 0.], [1., 1.]])
y = np.array([[0.], [1.], [1.], [0.]])
hidden, out = Layer(2, 5), Layer(5, 1)
f = lambda z: 1 / (1 + np.exp(-z))
for epoch in range(5000):
    a = f(X @ hidden.W + hidden.b)
    o = f(a @ out.W + out.b)
    do = o - y
    dh = do @ out.W.T * a * (1 - a)
    out.W -= .3 * a.T @ do; out.b -= .3 * do.sum(0)
    hidden.W -= .3 * X.T @ dh; hidden.b -= .3 * dh.sum(0)
    if epoch % 1000 == 0: print(epoch, np.mean((o - y) ** 2))
