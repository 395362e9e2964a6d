# causes: none
import numpy as np
rng = np.random.default_rng(0)
X = rng.normal(size=(300, 8)); y = np.tanh(X[:, :1]) - X[:, 1:2] * 0.5 + 0.1 * rng.normal(size=(300, 1))
shapes = [(8, 16), (16,), (16, 1), (1,)]
theta = [rng.normal(0, 0.3, s) if len(s) > 1 else np.zeros(s) for s in shapes]
vel = [np.zeros(s) for s in shapes]
def grad(theta, xb, yb):
    h = np.tanh(xb @ theta[0] + theta[1]); e = h @ theta[2] + theta[3] - yb
    g = 2 * e / len(xb); gh = g @ theta[2].T * (1 - h ** 2)
    return np.mean(e ** 2), [xb.T @ gh, gh.sum(0), h.T @ g, g.sum(0)]
for epoch in range(60):
    lr = 0.001 + 0.02 * (1 + np.cos(np.pi * (epoch % 20) / 20))
    total = 0
    for idx in np.array_split(rng.permutation(300), 10):
        ahead = [t + 0.9 * v for t, v in zip(theta, vel)]
        loss, g = grad(ahead, X[idx], y[idx])
        vel = [0.9 * v - lr * q for v, q in zip(vel, g)]
        theta = [t + v for t, v in zip(theta, vel)]
        total += loss
    print(epoch, total / 10)
