# causes: shuffled-without-labels
import numpy as np
np.random.seed(44)

# word tags: guess if a word (tiny vocabulary) is positive / negative / neutral in a 3 word sentence
vocab = ['good', 'great', 'nice', 'bad', 'awful', 'poor', 'the', 'film', 'plot', 'was']
idx = {w: i for i, w in enumerate(vocab)}
score = np.array([1, 1, 1, -1, -1, -1, 0, 0, 0, 0])
sents = np.random.randint(0, 10, size=(600, 3))
tone = np.sign(score[sents].sum(1)) + 1

E_dim, lr, epochs, bs = 5, 0.5, 25, 20
emb = np.random.randn(10, E_dim) * 0.3
Wo = np.random.randn(E_dim, 3) * 0.3
bo = np.zeros(3)

def fwd(s):
    v = emb[s].sum(axis=1)
    z = v @ Wo + bo
    z -= z.max(1, keepdims=True)
    e = np.exp(z)
    return v, e / e.sum(1, keepdims=True)

x_tr, y_tr = sents[:500], tone[:500]
x_te, y_te = sents[500:], tone[500:]
for ep in range(epochs):
    np.random.shuffle(x_tr)
    tot = 0
    for k in range(0, 500, bs):
        s, t = x_tr[k:k+bs], y_tr[k:k+bs]
        v, p = fwd(s)
        tot -= np.log(p[np.arange(bs), t]).sum()
        d = p
        d[np.arange(bs), t] -= 1
        d /= bs
        dv = d @ Wo.T
        Wo -= lr * v.T @ d
        bo -= lr * d.sum(0)
        for pos in range(3):
            np.add.at(emb, s[:, pos], -lr * dv)
    if ep % 3 == 0:
        print('epoch', ep, 'loss', tot / 500)
print('test accuracy:', (fwd(x_te)[1].argmax(1) == y_te).mean())
print('good ->', emb[idx['good']].round(2), 'bad ->', emb[idx['bad']].round(2))
