# causes: double-sigmoid
import numpy as np
rng = np.random.RandomState(30)
X = rng.randn(200, 2)
y = (X[:, 0] > 0.3 * X[:, 1]).astype(float).reshape(-1, 1)
def sigmoid(z): return 1 / (1 + np.exp(-z))
def forward(X, p):
    h = np.tanh(X @ p['W1'] + p['b1'])
    return h, sigmoid(h @ p['W2'] + p['b2'])
def bce_with_logits(out, y):
    q = sigmoid(out)
    return -(y * np.log(q) + (1 - y) * np.log(1 - q)).mean(), (q - y) / len(y)
p = {'W1': rng.randn(2, 5), 'b1': np.zeros(5), 'W2': rng.randn(5, 1), 'b2': np.zeros(1)}
for i in range(1000):
    h, out = forward(X, p)
    loss, d = bce_with_logits(out, y)
    d = d * out * (1 - out)
    g = {'W2': h.T @ d, 'b2': d.sum(0)}
    dh = d @ p['W2'].T * (1 - h ** 2)
    g['W1'], g['b1'] = X.T @ dh, dh.sum(0)
    for k in p:
        p[k] -= 0.5 * g[k]
    if i % 200 == 0:
        print(i, loss)
