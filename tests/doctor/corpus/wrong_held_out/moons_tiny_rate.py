# causes: step-too-small
import argparse
import numpy as np
from sklearn.datasets import make_moons

def parse_args():
    parser = argparse.ArgumentParser()
    parser.add_argument("--lr", type=float, default=1e-5)
    parser.add_argument("--epochs", type=int, default=800)
    parser.add_argument("--hidden", type=int, default=10)
    return parser.parse_args()

def sigmoid(x):
    return 1 / (1 + np.exp(-x))

def main():
    args = parse_args()
    X, y = make_moons(200, noise=0.15, random_state=0)
    y = y.reshape(-1, 1)
    rng = np.random.default_rng(1)
    W1 = rng.normal(0, 1, (2, args.hidden)); b1 = np.zeros((1, args.hidden))
    W2 = rng.normal(0, 0.5, (args.hidden, 1)); b2 = np.zeros((1, 1))
    for epoch in range(args.epochs):
        a1 = np.tanh(X @ W1 + b1)
        a2 = sigmoid(a1 @ W2 + b2)
        loss = -(y * np.log(a2) + (1 - y) * np.log(1 - a2)).mean()
        d2 = (a2 - y) / len(X)
        dW2, db2 = a1.T @ d2, d2.sum(0, keepdims=True)
        d1 = d2 @ W2.T * (1 - a1 ** 2)
        dW1, db1 = X.T @ d1, d1.sum(0, keepdims=True)
        W1 -= args.lr * dW1; b1 -= args.lr * db1
        W2 -= args.lr * dW2; b2 -= args.lr * db2
        if epoch % 100 == 0:
            print(f"epoch {epoch} loss {loss:.5f}")

if __name__ == "__main__":
    main()
