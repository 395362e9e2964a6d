# causes: dead-relu
import numpy as np
np.random.seed(10)

x = np.random.randn(100, 5)
y = (x[:, 0] - x[:, 1] > 0).astype(float).reshape(100, 1)
D_in, H, D_out = 5, 10, 1
w1 = np.random.randn(D_in, H) * 0.3
b1 = np.ones((1, H)) * -5
w2 = np.random.randn(H, D_out) * 0.3
b2 = np.zeros((1, D_out))

for t in range(500):
    h = np.maximum(x.dot(w1) + b1, 0)
    y_pred = 1 / (1 + np.exp(-(h.dot(w2) + b2)))
    loss = -(y * np.log(y_pred) + (1 - y) * np.log(1 - y_pred)).mean()
    if t % 50 == 0:
        print(t, loss)
    grad = (y_pred - y) / 100
    grad_w2 = h.T.dot(grad)
    grad_h = grad.dot(w2.T)
    grad_h[h <= 0] = 0
    grad_w1 = x.T.dot(grad_h)
    w1 -= 0.5 * grad_w1
    b1 -= 0.5 * grad_h.sum(axis=0, keepdims=True)
    w2 -= 0.5 * grad_w2
    b2 -= 0.5 * grad.sum(axis=0, keepdims=True)
