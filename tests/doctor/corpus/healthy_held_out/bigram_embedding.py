# causes: none
import numpy as np

words = "the cat sat on the mat the dog sat on the rug the cat saw the dog".split()
vocab = {w: i for i, w in enumerate(dict.fromkeys(words))}
ids = np.array([vocab[w] for w in words])
src, dst = ids[:-1], ids[1:]
V, D = len(vocab), 6
rng = np.random.default_rng(0)
E = rng.normal(0, 0.3, (V, D))
O = rng.normal(0, 0.3, (D, V))
for step in range(500):
    e = E[src]
    z = e @ O
    z -= z.max(1, keepdims=True)
    p = np.exp(z)
    p /= p.sum(1, keepdims=True)
    nll = -np.log(p[np.arange(len(dst)), dst]).mean()
    g = p.copy()
    g[np.arange(len(dst)), dst] -= 1
    g /= len(dst)
    dE = np.zeros_like(E)
    np.add.at(dE, src, g @ O.T)
    O -= 1.0 * e.T @ g
    E -= 1.0 * dE
    if step % 100 == 0:
        print(step, nll)
