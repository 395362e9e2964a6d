# causes: wrong-sign
import numpy as np, tinygrad_bp as tg
rng = np.random.default_rng(5)
X = rng.uniform(-1, 1, (160, 2)); y = (X[:, :1] * X[:, 1:] > 0).astype(float)
params = {"W1": rng.normal(0, 1, (2, 10)), "b1": np.zeros(10), "W2": rng.normal(0, 1, (10, 1)), "b2": np.zeros(1)}
def loss(p):
    h = np.tanh(X @ p["W1"] + p["b1"])
    q = tg.sigmoid(h @ p["W2"] + p["b2"])
    return -np.mean(y * np.log(q) + (1 - y) * np.log(1 - q))
slope = tg.value_and_grad(loss)
for k in range(1500):
    value, g = slope(params)
    params = {key: params[key] + 1.0 * g[key] for key in params}
    if k % 300 == 0: print(k, value)
