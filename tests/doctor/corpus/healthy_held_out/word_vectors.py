# causes: none
import numpy as np
rng = np.random.default_rng(6)
text = ("the cat sat on the mat the dog sat on the log " * 4).split()
vocab = sorted(set(text)); ix = {w: i for i, w in enumerate(vocab)}
pairs = [(ix[a], ix[b]) for a, b in zip(text, text[1:])]
E = rng.normal(0, .3, (len(vocab), 6)); U = rng.normal(0, .3, (6, len(vocab)))
for epoch in range(40):
    total = 0
    for c, t in pairs:
        h = E[c]
        z = h @ U; p = np.exp(z - z.max()); p /= p.sum()
        total -= np.log(p[t])
        e = p.copy(); e[t] -= 1
        dU = np.outer(h, e); dh = U @ e
        U -= .1 * dU; E[c] -= .1 * dh
    if epoch % 10 == 0: print(epoch, total / len(pairs))
