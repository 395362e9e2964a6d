# causes: aliased-buffer
import numpy as np

rng = np.random.default_rng(6)
X = rng.normal(size=(40, 5))
X_val = rng.normal(size=(200, 5))
def target(a): return np.sign(a[:, :1] + a[:, 1:2] * a[:, 2:3]) * 0.5 + 0.5
flip = rng.random((40, 1)) < 0.2
y, y_val = np.abs(target(X) - flip), target(X_val)

params = {"W1": rng.normal(0, 1, (5, 40)), "b1": np.zeros(40), "W2": rng.normal(0, 0.3, (40, 1)), "b2": np.zeros(1)}

def forward(x):
    h = np.tanh(x @ params["W1"] + params["b1"])
    return h, 1 / (1 + np.exp(-(h @ params["W2"] + params["b2"])))

def bce(p, y):
    return -np.mean(y * np.log(p + 1e-12) + (1 - y) * np.log(1 - p + 1e-12))

best_val, best_params = np.inf, None
for epoch in range(1500):
    h, p = forward(X)
    d = (p - y) / len(X)
    dh = d @ params["W2"].T * (1 - h ** 2)
    grads = {"W2": h.T @ d, "b2": d.sum(0), "W1": X.T @ dh, "b1": dh.sum(0)}
    for k in params:
        params[k] -= 0.3 * grads[k]
    val = bce(forward(X_val)[1], y_val)
    if val < best_val:
        best_val = val
        best_params = dict(params)
    if epoch % 200 == 0:
        print(epoch, bce(p, y), val)
params = best_params
print("best validation loss while training", best_val)
print("validation loss of the kept weights", bce(forward(X_val)[1], y_val))
