# causes: bias-axis|parameter-grew|parameter-has-batch-shape|gradient-shape
import numpy as np


def init(n_in, n_hid, n_out):
    rs = np.random.RandomState(42)
    return rs.normal(0, .5, (n_in, n_hid)), np.zeros((1, n_hid)), rs.normal(0, .5, (n_hid, n_out)), np.zeros((1, n_out))


def forward(x, params):
    w1, b1, w2, b2 = params
    h = np.tanh(np.matmul(x, w1) + b1)
    out = np.matmul(h, w2) + b2
    return h, out


def backward(x, y, h, out, params):
    w1, b1, w2, b2 = params
    n = x.shape[0]
    dout = 2 * (out - y) / n
    gw2 = np.matmul(h.T, dout)
    gb2 = np.sum(dout, axis=1, keepdims=True)
    dh = np.matmul(dout, w2.T) * (1 - h ** 2)
    gw1 = np.matmul(x.T, dh)
    gb1 = np.sum(dh, axis=0, keepdims=True)
    return gw1, gb1, gw2, gb2


def train(x, y, epochs=500, lr=0.05):
    params = init(x.shape[1], 12, y.shape[1])
    for e in range(epochs):
        h, out = forward(x, params)
        grads = backward(x, y, h, out, params)
        params = tuple(p - lr * g for p, g in zip(params, grads))
        if e % 100 == 0:
            print(e, np.mean((out - y) ** 2))
    return params


x = np.linspace(-2, 2, 64).reshape(-1, 1)
y = np.sin(2 * x) + 0.3
params = train(x, y)
xt = np.array([[0.3], [0.7], [1.1]])
print(forward(xt, params)[1])
