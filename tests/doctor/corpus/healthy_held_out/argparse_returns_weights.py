# causes: none
import argparse
import numpy as np

def init(rng, sizes):
    return [(rng.normal(0, 1 / np.sqrt(a), (a, b)), np.zeros(b)) for a, b in zip(sizes, sizes[1:])]

def forward(weights, x):
    cache = [x]
    for k, (W, b) in enumerate(weights):
        x = x @ W + b
        if k + 1 < len(weights):
            x = np.maximum(x, 0)
        cache.append(x)
    return x, cache

def backward(weights, cache, grad):
    grads = []
    for k in range(len(weights) - 1, -1, -1):
        W, _ = weights[k]
        if k + 1 < len(weights):
            grad = grad * (cache[k + 1] > 0)
        grads.insert(0, (cache[k].T @ grad, grad.sum(axis=0)))
        grad = grad @ W.T
    return grads

def sgd(weights, grads, lr, decay):
    return [(W - lr * (gW + decay * W), b - lr * gb) for (W, b), (gW, gb) in zip(weights, grads)]

def main(argv=None):
    ap = argparse.ArgumentParser(description="fit a surface")
    ap.add_argument("--lr", type=float, default=0.05)
    ap.add_argument("--decay", type=float, default=1e-4)
    ap.add_argument("--epochs", type=int, default=500)
    ap.add_argument("--seed", type=int, default=0)
    args = ap.parse_args(argv)
    rng = np.random.default_rng(args.seed)
    x = rng.uniform(-1, 1, (200, 2))
    y = np.sin(3 * x[:, :1]) * x[:, 1:]
    weights = init(rng, [2, 32, 32, 1])
    for epoch in range(args.epochs):
        out, cache = forward(weights, x)
        grads = backward(weights, cache, 2 * (out - y) / len(x))
        weights = sgd(weights, grads, args.lr, args.decay)
        if epoch % 100 == 0:
            print(epoch, np.mean((out - y) ** 2))

if __name__ == "__main__":
    main()
