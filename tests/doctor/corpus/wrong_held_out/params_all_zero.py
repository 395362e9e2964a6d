# causes: symmetric-init
import numpy as np
# circle in square, hidden layer of 5 sigmoid units
rs = np.random.RandomState(1)
X = rs.uniform(-1, 1, (2, 300))
y = (np.sum(X ** 2, axis=0, keepdims=True) < 0.5).astype(float)
m = 300

def sigmoid(z): return 1 / (1 + np.exp(-z))

def init_params(n_x, n_h, n_y):
    params = {}
    params['W1'] = np.zeros((n_h, n_x))
    params['b1'] = np.zeros((n_h, 1))
    params['W2'] = np.zeros((n_y, n_h))
    params['b2'] = np.zeros((n_y, 1))
    return params

params = init_params(2, 5, 1)
for it in range(1500):
    A1 = sigmoid(params['W1'] @ X + params['b1'])
    A2 = sigmoid(params['W2'] @ A1 + params['b2'])
    loss = -np.mean(y * np.log(A2) + (1 - y) * np.log(1 - A2))
    dZ2 = A2 - y
    grads = {}
    grads['W2'] = dZ2 @ A1.T / m
    grads['b2'] = dZ2.mean(axis=1, keepdims=True)
    dZ1 = params['W2'].T @ dZ2 * A1 * (1 - A1)
    grads['W1'] = dZ1 @ X.T / m
    grads['b1'] = dZ1.mean(axis=1, keepdims=True)
    for k in params:
        params[k] -= 1.5 * grads[k]
    if it % 300 == 0:
        print('iteration', it, 'loss', loss)
print('accuracy', ((A2 > 0.5) == y).mean())
