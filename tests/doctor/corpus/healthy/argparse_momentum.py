# causes: none
import argparse, sys
import numpy as np

def parse(argv):
    ap = argparse.ArgumentParser(description="train")
    ap.add_argument("--lr", type=float, default=0.05)
    ap.add_argument("--mu", type=float, default=0.9)
    ap.add_argument("--epochs", type=int, default=300)
    return ap.parse_args(argv)

def main(argv=None):
    a = parse(argv)
    rs = np.random.RandomState(0)
    X = rs.randn(150, 4)
    Y = (X[:, 0] + X[:, 1] * X[:, 2] > 0).astype(float)[:, None]
    P = {"W1": rs.randn(4, 10) * .5, "b1": np.zeros(10), "W2": rs.randn(10, 1) * .5, "b2": np.zeros(1)}
    V = {k: 0 * v for k, v in P.items()}
    for e in range(a.epochs):
        H = np.tanh(X @ P["W1"] + P["b1"])
        O = 1 / (1 + np.exp(-(H @ P["W2"] + P["b2"])))
        D = (O - Y) / len(X)
        DH = D @ P["W2"].T * (1 - H ** 2)
        G = {"W1": X.T @ DH, "b1": DH.sum(0), "W2": H.T @ D, "b2": D.sum(0)}
        for k in P:
            V[k] = a.mu * V[k] - a.lr * G[k]
            P[k] += V[k]
    print("accuracy", np.mean((O > .5) == Y))
    return 0

if __name__ == "__main__":
    sys.exit(main())
