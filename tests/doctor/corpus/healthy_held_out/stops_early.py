# causes: none
import numpy as np

rng = np.random.default_rng(19)
X = rng.normal(size=(400, 5))
y = ((X[:, 0] * X[:, 1] + X[:, 2]) > 0).astype(float).reshape(-1, 1)
X_train, X_val = X[:300], X[300:]
y_train, y_val = y[:300], y[300:]

def forward(P, X):
    a = np.tanh(X @ P[0] + P[1])
    return a, 1 / (1 + np.exp(-(a @ P[2] + P[3])))

P = [rng.normal(0, 0.5, (5, 20)), np.zeros(20), rng.normal(0, 0.3, (20, 1)), np.zeros(1)]
best, best_P, patience = np.inf, None, 0
epoch = 0
while patience < 30 and epoch < 2000:
    a, p = forward(P, X_train)
    d = (p - y_train) / len(X_train)
    da = d @ P[2].T * (1 - a * a)
    G = [X_train.T @ da, da.sum(0), a.T @ d, d.sum(0)]
    P = [w - 0.5 * g for w, g in zip(P, G)]
    _, q = forward(P, X_val)
    val = -np.mean(y_val * np.log(q + 1e-12) + (1 - y_val) * np.log(1 - q + 1e-12))
    if val < best - 1e-4:
        best, best_P, patience = val, [w.copy() for w in P], 0
    else:
        patience += 1
    epoch += 1
print("stopped after", epoch, "best", best, "acc", ((forward(best_P, X_val)[1] > .5) == y_val).mean())
