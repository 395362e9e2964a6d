# causes: crashed
import numpy as np

rng = np.random.default_rng(2)
data = np.column_stack([rng.normal(size=(90, 4)), np.repeat([0, 1, 2], 30)])
rng.shuffle(data)
X, y = data[:, :4], data[:, 4]
W = rng.normal(0, 0.1, (4, 3))

for epoch in range(50):
    for i in range(len(X)):
        s = X[i] @ W
        p = np.exp(s - s.max())
        p /= p.sum()
        loss = -np.log(p[y[i]])
        p[y[i]] -= 1
        W -= 0.05 * np.outer(X[i], p)
    print(epoch, loss)
