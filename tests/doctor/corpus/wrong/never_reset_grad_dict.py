# causes: never-reset
import numpy as np
np.random.seed(21)
params = dict(W=np.random.randn(4, 3) * 0.1, b=np.zeros(3))
grads = {k: np.zeros_like(v) for k, v in params.items()}
from sklearn.datasets import load_iris
iris = load_iris()
X = (iris.data - iris.data.mean(0)) / iris.data.std(0)
T = np.eye(3)[iris.target]

def softmax(z):
    e = np.exp(z - z.max(1, keepdims=True))
    return e / e.sum(1, keepdims=True)

for epoch in range(200):
    perm = np.random.permutation(len(X))
    for i in range(0, len(X), 30):
        idx = perm[i:i + 30]
        xb, tb = X[idx], T[idx]
        p = softmax(xb.dot(params['W']) + params['b'])
        d = (p - tb) / len(xb)
        grads['W'] += xb.T.dot(d)
        grads['b'] += d.sum(0)
        for k in params:
            params[k] -= 0.1 * grads[k]
    if epoch % 20 == 0:
        P = softmax(X.dot(params['W']) + params['b'])
        print(epoch, -np.log(P[range(150), iris.target] + 1e-12).mean())
