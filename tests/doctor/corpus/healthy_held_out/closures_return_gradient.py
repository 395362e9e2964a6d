# causes: none
import numpy as np


def make_loss(X, y, n_classes, weight_decay):
    """returns a function W -> (loss, gradient)"""
    onehot = np.eye(n_classes)[y].T          # (classes, samples)
    m = X.shape[1]

    def loss_fn(W):
        scores = W @ X
        scores = scores - scores.max(axis=0)
        logp = scores - np.log(np.exp(scores).sum(axis=0))
        loss = -(onehot * logp).sum() / m + weight_decay * (W ** 2).sum() / 2
        grad = (np.exp(logp) - onehot) @ X.T / m + weight_decay * W
        return loss, grad

    return loss_fn


def descend(loss_fn, W, steps, lr):
    for s in range(steps):
        loss, grad = loss_fn(W)
        if s % (steps // 10) == 0:
            yield s, loss, W
        W = W - lr * grad
    yield steps, loss_fn(W)[0], W


# five clusters on a circle, samples are the COLUMNS, last row of ones is the bias
rng = np.random.default_rng(2)
y = rng.integers(0, 5, 500)
ang = 2 * np.pi * y / 5
X = np.vstack([3 * np.cos(ang), 3 * np.sin(ang), np.ones(500)])
X[:2] += rng.normal(0, 0.6, (2, 500))

f = make_loss(X[:, :400], y[:400], 5, 1e-3)
for step, loss, W in descend(f, np.zeros((5, 3)), 1000, 0.5):
    acc = np.mean((W @ X[:, 400:]).argmax(axis=0) == y[400:])
    print("step %4d   loss %.4f   test accuracy %.3f" % (step, loss, acc))
