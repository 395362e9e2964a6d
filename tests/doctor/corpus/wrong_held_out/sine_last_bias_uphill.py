# causes: wrong-sign
import numpy as np
# approximate sin(x) with a small network
np.random.seed(7)
x = np.linspace(-np.pi, np.pi, 80).reshape(-1, 1)
t = np.sin(x)

params = [
    np.random.randn(1, 16) * 0.5,
    np.zeros(16),
    np.random.randn(16, 1) * 0.5,
    np.zeros(1),
]
lr = 0.05


def forward(x, params):
    h = np.tanh(x @ params[0] + params[1])
    return h, h @ params[2] + params[3]


for epoch in range(1500):
    h, out = forward(x, params)
    err = out - t
    loss = (err ** 2).mean()
    d_out = 2 * err / len(x)
    d_w2 = h.T @ d_out
    d_b2 = d_out.sum(0)
    d_h = d_out @ params[2].T
    d_z = d_h * (1 - h ** 2)
    d_w1 = x.T @ d_z
    d_b1 = d_z.sum(0)
    params[0] -= lr * d_w1
    params[1] -= lr * d_b1
    params[2] -= lr * d_w2
    params[3] += lr * d_b2
    if epoch % 300 == 0:
        print(epoch, loss)
print("final mse", loss)
