# causes: none
import numpy as np
rng = np.random.default_rng(0)
seqs = rng.integers(0, 2, (40, 5)).astype(float)
want = (seqs.sum(1) > 2).astype(float)
Wx, Wh, bh = rng.normal(0, 0.7, (6, 1)), rng.normal(0, 0.4, (6, 6)), np.zeros((6, 1))
Wo, bo = rng.normal(0, .5, (1, 6)), np.zeros((1, 1))
for ep in range(60):
    hits = 0
    for s, t in zip(seqs, want):
        hs = [np.zeros((6, 1))]
        for v in s:
            hs.append(np.tanh(Wx * v + Wh @ hs[-1] + bh))
        p = 1 / (1 + np.exp(-(Wo @ hs[-1] + bo)))
        hits += float(((p > .5) == t).item())
        d = p - t
        gx, gh, gb = np.zeros_like(Wx), np.zeros_like(Wh), np.zeros_like(bh)
        back = Wo.T @ d
        for k in range(len(s), 0, -1):
            back = back * (1 - hs[k] ** 2)
            gx += back * s[k - 1]
            gh += back @ hs[k - 1].T
            gb += back
            back = Wh.T @ back
        for q, g in ((Wx, gx), (Wh, gh), (bh, gb), (Wo, d @ hs[-1].T), (bo, d)):
            q -= .05 * g
    if ep % 20 == 0:
        print(ep, hits / len(seqs))
