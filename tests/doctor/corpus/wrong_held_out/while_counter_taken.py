# causes: loop-variable-reused
import numpy as np

rng = np.random.RandomState(55)
X = rng.rand(800, 2) * 6 - 3
z = np.sin(X[:, 0]) * np.cos(X[:, 1])
z = z[:, None]

W1 = rng.randn(2, 30) * 0.8
b1 = rng.randn(30) * 0.3
W2 = rng.randn(30, 1) * 0.2
b2 = np.zeros(1)

batch = 16
n_epochs = 60
lr = 0.1

def loss_all():
    return np.mean((np.tanh(X.dot(W1) + b1).dot(W2) + b2 - z) ** 2)

print('before training:', loss_all())
i = 0
while i < n_epochs:
    perm = rng.permutation(len(X))
    for i in range(0, len(X), batch):
        xb = X[perm[i:i + batch]]
        zb = z[perm[i:i + batch]]
        a = np.tanh(xb.dot(W1) + b1)
        out = a.dot(W2) + b2
        g = 2.0 * (out - zb) / len(xb)
        ga = g.dot(W2.T) * (1.0 - a * a)
        W2 -= lr * a.T.dot(g)
        b2 -= lr * g.sum(0)
        W1 -= lr * xb.T.dot(ga)
        b1 -= lr * ga.sum(0)
    print('epoch', i, 'loss', loss_all())
    i += 1

print('after training:', loss_all())
