# causes: aliased-buffer
import numpy as np

rng = np.random.RandomState(10)
X = rng.randn(200, 6)
Y = (X[:, [0]] * X[:, [1]] + X[:, [2]] > 0).astype(float)
W = [rng.randn(6, 12) * .4, rng.randn(12, 1) * .4]
B = [np.zeros((1, 12)), np.zeros((1, 1))]
m = [np.zeros_like(p) for p in W + B]
v = m
beta1, beta2, lr = 0.9, 0.999, 0.01
for t in range(1, 601):
    h = np.tanh(X.dot(W[0]) + B[0])
    p = 1 / (1 + np.exp(-(h.dot(W[1]) + B[1])))
    d = (p - Y) / len(X)
    dh = d.dot(W[1].T) * (1 - h ** 2)
    grads = [X.T.dot(dh), h.T.dot(d), dh.sum(0, keepdims=True), d.sum(0, keepdims=True)]
    for i, (param, g) in enumerate(zip(W + B, grads)):
        m[i] = beta1 * m[i] + (1 - beta1) * g
        v[i] = beta2 * v[i] + (1 - beta2) * g * g
        mh = m[i] / (1 - beta1 ** t)
        vh = v[i] / (1 - beta2 ** t)
        param -= lr * mh / (np.sqrt(np.abs(vh)) + 1e-8)
    if t % 100 == 0:
        print(t, -np.mean(Y * np.log(p + 1e-9) + (1 - Y) * np.log(1 - p + 1e-9)))
