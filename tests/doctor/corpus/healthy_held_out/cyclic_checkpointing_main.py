# causes: none
import numpy as np
from sklearn.datasets import load_digits
from sklearn.model_selection import train_test_split
def main():
    X, t = load_digits(return_X_y=True)
    Xa, Xb, ta, tb = train_test_split(X / 16., t, test_size=.3, random_state=0)
    rng = np.random.default_rng(0)
    W = rng.normal(0, .01, (64, 10)); b = np.zeros(10)
    best = 0
    for epoch in range(12):
        perm = rng.permutation(len(Xa))
        for i in range(0, len(Xa), 50):
            k = perm[i:i + 50]
            s = Xa[k] @ W + b; s -= s.max(1)[:, None]
            p = np.exp(s); p /= p.sum(1)[:, None]
            p[range(len(k)), ta[k]] -= 1
            W -= .5 * (Xa[k].T @ p / len(k) + 1e-4 * W); b -= .5 * p.mean(0)
        acc = np.mean((Xb @ W + b).argmax(1) == tb)
        if acc > best: best, keep = acc, (W.copy(), b.copy())
        print(epoch, acc, best)
main()
