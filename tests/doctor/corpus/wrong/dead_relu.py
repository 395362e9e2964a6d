# causes: dead-relu
import numpy as np
np.random.seed(10)
N, D_in, H, D_out = 64, 20, 15, 1
x = np.random.rand(N, D_in)
y = x[:, :3].sum(axis=1, keepdims=True) - 1
w1 = -np.abs(np.random.randn(D_in, H)) * 0.5
w2 = np.random.randn(H, D_out)
c1 = np.zeros(H)
c2 = np.zeros(D_out)
learning_rate = 1e-2
for t in range(500):
    h = x.dot(w1) + c1
    h_relu = np.maximum(h, 0)
    y_pred = h_relu.dot(w2) + c2
    loss = np.square(y_pred - y).mean()
    if t % 100 == 0:
        print(t, loss)
    grad_y_pred = 2.0 * (y_pred - y) / N
    grad_w2 = h_relu.T.dot(grad_y_pred)
    grad_h_relu = grad_y_pred.dot(w2.T)
    grad_h = grad_h_relu.copy()
    grad_h[h < 0] = 0
    grad_w1 = x.T.dot(grad_h)
    w1 -= learning_rate * grad_w1
    w2 -= learning_rate * grad_w2
    c1 -= learning_rate * grad_h.sum(axis=0)
    c2 -= learning_rate * grad_y_pred.sum(axis=0)
