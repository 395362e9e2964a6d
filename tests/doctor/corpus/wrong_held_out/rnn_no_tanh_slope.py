# causes: missing-derivative
import numpy as np

rng = np.random.default_rng(12)
T, H = 6, 10
seqs = rng.integers(0, 2, size=(120, T)).astype(float)
targets = seqs[:, :3].sum(axis=1) - seqs[:, 3:].sum(axis=1)

Wxh = rng.normal(0, 0.4, (H, 1))
Whh = rng.normal(0, 0.3, (H, H))
Why = rng.normal(0, 0.4, (1, H))
bh = np.zeros((H, 1))
by = np.zeros((1, 1))

def run(seq):
    hs = [np.zeros((H, 1))]
    for x in seq:
        hs.append(np.tanh(Wxh * x + Whh @ hs[-1] + bh))
    return Why @ hs[-1] + by, hs

lr = 0.01
for epoch in range(15):
    total = 0
    for seq, target in zip(seqs, targets):
        y, hs = run(seq)
        err = y - target
        total += float(err[0, 0] ** 2)
        dWhy = err @ hs[-1].T
        dby = err
        dh = Why.T @ err
        dWxh = np.zeros_like(Wxh); dWhh = np.zeros_like(Whh); dbh = np.zeros_like(bh)
        for t in reversed(range(T)):
            draw = dh
            dbh += draw
            dWxh += draw * seq[t]
            dWhh += draw @ hs[t].T
            dh = Whh.T @ draw
        for param, grad in zip([Wxh, Whh, Why, bh, by], [dWxh, dWhh, dWhy, dbh, dby]):
            param -= lr * np.clip(grad, -1, 1)
    print(epoch, total / len(seqs))
