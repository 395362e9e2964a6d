# causes: updated-too-early
import numpy as np

class MLP:
    """two hidden layers, tanh, softmax output"""
    def __init__(self, dims, seed=0):
        rs = np.random.RandomState(seed)
        self.Ws = [rs.randn(a, b) * np.sqrt(1. / a) for a, b in zip(dims, dims[1:])]
        self.bs = [np.zeros(b) for b in dims[1:]]

    def forward(self, x):
        self.acts = [x]
        for i, (W, b) in enumerate(zip(self.Ws, self.bs)):
            z = self.acts[-1] @ W + b
            if i < len(self.Ws) - 1:
                self.acts.append(np.tanh(z))
            else:
                z = z - z.max(axis=1, keepdims=True)
                e = np.exp(z)
                self.acts.append(e / e.sum(axis=1, keepdims=True))
        return self.acts[-1]

    def backward(self, target, lr):
        delta = (self.acts[-1] - target) / target.shape[0]
        for i in range(len(self.Ws) - 1, -1, -1):
            self.Ws[i] -= lr * self.acts[i].T @ delta
            self.bs[i] -= lr * delta.sum(axis=0)
            delta = (delta @ self.Ws[i].T) * (1 - self.acts[i] ** 2)

rs = np.random.RandomState(1)
K, N = 3, 60
X = np.zeros((K * N, 2)); lab = np.zeros(K * N, dtype=int)
for k in range(K):
    r = np.linspace(0.05, 1, N)
    th = np.linspace(k * 4, (k + 1) * 4, N) + rs.randn(N) * 0.2
    X[k * N:(k + 1) * N] = np.c_[r * np.sin(th), r * np.cos(th)]
    lab[k * N:(k + 1) * N] = k
T = np.eye(K)[lab]

model = MLP([2, 16, 16, 3])
for epoch in range(1500):
    p = model.forward(X)
    if epoch % 150 == 0:
        print(epoch, -np.log(p[range(len(lab)), lab]).mean(), (p.argmax(1) == lab).mean())
    model.backward(T, 1.5)
