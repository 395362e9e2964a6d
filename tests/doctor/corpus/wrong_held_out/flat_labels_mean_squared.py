# causes: label-broadcast
import numpy as np

rng = np.random.default_rng(111)
features = rng.normal(size=(45, 2))
labels = (features[:, 0] > 0) * 1.0
w1, w2 = rng.normal(0, 0.6, (2, 5)), rng.normal(0, 0.6, (5, 1))
for epoch in range(200):
    z = np.tanh(features @ w1)
    y_pred = z @ w2
    diff = y_pred - labels
    loss = (diff**2).mean()
    g = 2 * diff.sum(axis=1, keepdims=True) / diff.size
    gz = g @ w2.T * (1 - z**2)
    w2 -= 0.1 * z.T @ g
    w1 -= 0.1 * features.T @ gz
    if epoch % 50 == 0:
        print(loss)
