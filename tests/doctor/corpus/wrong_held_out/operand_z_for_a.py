# causes: wrong-operand
import numpy as np
np.random.seed(42)

m = 250
X = np.random.randn(m, 2)
y = ((X[:, 0] ** 2 + X[:, 1] ** 2) < 1.2).astype(float).reshape(-1, 1)

hidden_size = 6
w_h = np.random.randn(2, hidden_size)
b_h = np.zeros(hidden_size)
w_o = np.random.randn(hidden_size, 1)
b_o = np.zeros(1)
learning_rate = 0.5

for epoch in range(1200):
    # forward
    z_h = X @ w_h + b_h
    a_h = 1 / (1 + np.exp(-z_h))
    z_o = a_h @ w_o + b_o
    a_o = 1 / (1 + np.exp(-z_o))
    # backward
    dz_o = (a_o - y) / m
    dw_o = z_h.T @ dz_o
    db_o = dz_o.sum(axis=0)
    dz_h = dz_o @ w_o.T * a_h * (1 - a_h)
    dw_h = X.T @ dz_h
    db_h = dz_h.sum(axis=0)
    # update
    w_o = w_o - learning_rate * dw_o
    b_o = b_o - learning_rate * db_o
    w_h = w_h - learning_rate * dw_h
    b_h = b_h - learning_rate * db_h
    if epoch % 200 == 0:
        loss = -np.mean(y * np.log(a_o + 1e-9) + (1 - y) * np.log(1 - a_o + 1e-9))
        print('epoch', epoch, 'loss', loss)
