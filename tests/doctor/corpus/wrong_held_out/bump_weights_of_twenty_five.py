# causes: init-too-large|saturated
import numpy as np
# fit a 2d bump function with a tanh network, SGD one sample at a time

rnd = np.random.RandomState(10)
N = 300
P = rnd.uniform(-1, 1, (N, 2))
Z = np.exp(-3 * (P ** 2).sum(1)) + 0.3 * P[:, 0]

H1, H2 = 10, 10
w1 = rnd.normal(0, 25, (H1, 2));   c1 = rnd.normal(0, 25, H1)
w2 = rnd.normal(0, 25, (H2, H1));  c2 = rnd.normal(0, 25, H2)
w3 = rnd.normal(0, 0.2, H2);       c3 = 0.0
lr = 0.01

for epoch in range(60):
    tot = 0.
    for i in rnd.permutation(240):
        p = P[i]
        h1 = np.tanh(w1.dot(p) + c1)
        h2 = np.tanh(w2.dot(h1) + c2)
        out = w3.dot(h2) + c3
        e = out - Z[i]
        tot += e * e
        g2 = e * w3 * (1 - h2 * h2)
        g1 = w2.T.dot(g2) * (1 - h1 * h1)
        w3 -= lr * e * h2
        c3 -= lr * e
        w2 -= lr * np.outer(g2, h1)
        c2 -= lr * g2
        w1 -= lr * np.outer(g1, p)
        c1 -= lr * g1
    if (epoch + 1) % 10 == 0:
        H = np.tanh(np.tanh(P[240:] @ w1.T + c1) @ w2.T + c2)
        val = np.mean((H @ w3 + c3 - Z[240:]) ** 2)
        print("epoch", epoch + 1, "train", round(tot / 240, 4), "val", round(val, 4), "(var %.4f)" % Z.var())
