# causes: none
import numpy as np
def init(key, sizes):
    r = np.random.default_rng(key)
    return [(r.normal(0, np.sqrt(2 / (a + b)), (a, b)), np.zeros(b)) for a, b in zip(sizes, sizes[1:])]
def predict(params, x):
    acts = [x]
    for k, (W, b) in enumerate(params):
        z = acts[-1] @ W + b
        acts.append(np.tanh(z) if k + 1 < len(params) else z)
    return acts
def gradient(params, acts, y):
    delta = 2 * (acts[-1] - y) / y.size
    out = []
    for k in range(len(params) - 1, -1, -1):
        out.append((acts[k].T @ delta, delta.sum(axis=0)))
        if k:
            delta = delta @ params[k][0].T * (1 - acts[k] ** 2)
    return out[::-1]
x = np.linspace(-2, 2, 100)[:, None]; y = x ** 3 / 4
params = init(0, [1, 10, 10, 1])
for i in range(800):
    acts = predict(params, x)
    grads = gradient(params, acts, y)
    params = [(W - .1 * gW, b - .1 * gb) for (W, b), (gW, gb) in zip(params, grads)]
    if i % 200 == 0: print(i, np.mean((acts[-1] - y) ** 2))
