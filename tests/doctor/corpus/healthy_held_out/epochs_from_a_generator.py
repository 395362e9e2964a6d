# causes: none
# recursion, returned tuples, generator of epochs, three classes in columns
import numpy as np
rng = np.random.default_rng(6)
C = np.array([[2, 0, -2], [0, 2, -1.]]); k = rng.integers(0, 3, 150)
X = C[:, k] + rng.normal(0, .5, (2, 150)); T = np.eye(3)[:, k]
net = [(rng.normal(0, .5, (8, 2)), np.zeros((8, 1))), (rng.normal(0, .5, (8, 8)), np.zeros((8, 1))), (rng.normal(0, .5, (3, 8)), np.zeros((3, 1)))]
def learn(a, net, T, eta):
    (W, b), *rest = net
    z = W @ a + b
    if rest:
        h = np.tanh(z)
        back, new = learn(h, rest, T, eta)
        g = back * (1 - h ** 2)
    else:
        e = np.exp(z - z.max(0)); g = (e / e.sum(0) - T) / T.shape[1]; new = []
    return W.T @ g, [(W - eta * g @ a.T, b - eta * g.sum(1, keepdims=True)), *new]
def epochs(n):
    global net
    for i in range(n):
        _, net = learn(X, net, T, .5)
        yield i
for i in epochs(600): pass
a = X
for W, b in net[:-1]: a = np.tanh(W @ a + b)
print(np.mean((net[-1][0] @ a + net[-1][1]).argmax(0) == k))
