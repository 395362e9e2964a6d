# causes: derivative-on-z|wrong-gradient
import numpy as np
rng = np.random.default_rng(2)
def init(sizes): return [(rng.normal(0, 1.5 / np.sqrt(i), (i, o)), np.zeros(o)) for i, o in zip(sizes, sizes[1:])]
def run(params, x):
    pre, post = [], [x]
    for k, (w, b) in enumerate(params):
        pre.append(post[-1] @ w + b)
        post.append(np.tanh(pre[-1]) if k < len(params) - 1 else pre[-1])
    return pre, post
def back(params, pre, post, y):
    d = (post[-1] - y) / len(y)
    out = []
    for k in range(len(params) - 1, -1, -1):
        w, _ = params[k]
        out.append((post[k].T @ d, d.sum(0)))
        if k > 0:
            d = (d @ w.T) * (1 - pre[k - 1] ** 2)
    return out[::-1]
x = np.linspace(-2, 2, 100)[:, None]; y = np.sin(3 * x)
params = init([1, 10, 10, 1])
for i in range(600):
    pre, post = run(params, x)
    params = [(w - 0.1 * gw, b - 0.1 * gb) for (w, b), (gw, gb) in zip(params, back(params, pre, post, y))]
    if i % 100 == 0: print(np.mean((post[-1] - y) ** 2))
