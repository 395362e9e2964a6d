# causes: exploding|init-too-large|step-too-large
import numpy as np
rng = np.random.default_rng(3)
X = rng.normal(size=(128, 10))
Y = X[:, :1] ** 2 + X[:, 1:2]
dims = [10, 64, 64, 64, 1]
Ws = [rng.normal(size=(m, n)) for m, n in zip(dims, dims[1:])]
bs = [np.zeros(n) for n in dims[1:]]
for it in range(100):
    acts = [X]
    for i in range(len(Ws)):
        z = acts[-1] @ Ws[i] + bs[i]
        acts.append(np.maximum(z, 0) if i < len(Ws) - 1 else z)
    loss = ((acts[-1] - Y) ** 2).mean()
    print(it, loss)
    delta = 2 * (acts[-1] - Y) / len(X)
    for i in range(len(Ws) - 1, -1, -1):
        gW = acts[i].T @ delta
        gb = delta.sum(axis=0)
        if i:
            delta = (delta @ Ws[i].T) * (acts[i] > 0)
        Ws[i] -= 0.01 * gW
        bs[i] -= 0.01 * gb
