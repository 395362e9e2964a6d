# causes: aliased-buffer
import numpy as np

np.random.seed(3)
X = np.random.rand(200, 2) * 2 - 1
y = (X[:, 0] * X[:, 1] > 0).astype(float)[:, None]

params = {
    'W1': np.random.randn(2, 16) * 0.7, 'b1': np.zeros((1, 16)),
    'W2': np.random.randn(16, 1) * 0.25, 'b2': np.zeros((1, 1)),
}
m = v = {k: np.zeros_like(p) for k, p in params.items()}
beta1, beta2, eps, alpha = 0.9, 0.999, 1e-8, 0.01

for t in range(1, 301):
    h = np.maximum(X @ params['W1'] + params['b1'], 0)
    p = 1 / (1 + np.exp(-(h @ params['W2'] + params['b2'])))
    dz = (p - y) / len(X)
    dh = dz @ params['W2'].T * (h > 0)
    grads = {'W2': h.T @ dz, 'b2': dz.sum(0, keepdims=True),
             'W1': X.T @ dh, 'b1': dh.sum(0, keepdims=True)}
    for k in params:
        m[k] = beta1 * m[k] + (1 - beta1) * grads[k]
        v[k] = beta2 * v[k] + (1 - beta2) * grads[k] ** 2
        m_hat = m[k] / (1 - beta1 ** t)
        v_hat = v[k] / (1 - beta2 ** t)
        params[k] -= alpha * m_hat / (np.sqrt(np.abs(v_hat)) + eps)
    if t % 50 == 0:
        loss = -np.mean(y * np.log(p + 1e-8) + (1 - y) * np.log(1 - p + 1e-8))
        print(t, round(loss, 4), ((p > .5) == y).mean())
