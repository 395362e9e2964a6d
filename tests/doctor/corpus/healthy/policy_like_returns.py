# causes: none
import numpy as np
# one-hidden-layer regression with all weights in one flat vector
rng = np.random.default_rng(29)
x = np.linspace(-1, 1, 64)[:, None]; t = np.abs(x)
H = 12
theta = rng.normal(0, .7, 3 * H + 1)
def unpack(th):
    return th[:H].reshape(1, H), th[H:2*H], th[2*H:3*H].reshape(H, 1), th[3*H]
def loss_grad(th):
    W, b, V, c = unpack(th)
    h = np.tanh(x @ W + b); o = h @ V + c
    e = o - t
    d = 2 * e / len(x)
    dh = d @ V.T * (1 - h ** 2)
    return (e ** 2).mean(), np.concatenate([(x.T @ dh).ravel(), dh.sum(0), (h.T @ d).ravel(), [d.sum()]])
for i in range(1000):
    L, g = loss_grad(theta)
    theta = theta - .1 * g
    if i % 250 == 0: print(i, L)
