# causes: none
import numpy as np, copy
rng = np.random.default_rng(13)
X = rng.normal(size=(90, 2)); y = np.sin(X[:, :1]) + .1 * rng.normal(size=(90, 1))
tr, va = slice(0, 60), slice(60, 90)
model = {"W1": rng.normal(size=(2, 12)), "b1": np.zeros(12), "W2": rng.normal(size=(12, 1)) * .2, "b2": np.zeros(1)}
def fwd(m, x): h = np.maximum(.01 * (x @ m["W1"] + m["b1"]), x @ m["W1"] + m["b1"]); return h, h @ m["W2"] + m["b2"]
best, best_model = 1e9, None
for e in range(500):
    h, o = fwd(model, X[tr])
    g = 2 * (o - y[tr]) / 60; gh = g @ model["W2"].T * np.where(h > 0, 1, .01)
    for k, v in (("W2", h.T @ g), ("b2", g.sum(0)), ("W1", X[tr].T @ gh), ("b1", gh.sum(0))):
        model[k] -= .03 * v
    v = ((fwd(model, X[va])[1] - y[va]) ** 2).mean()
    if v < best: best, best_model = v, copy.deepcopy(model)
print(best)
