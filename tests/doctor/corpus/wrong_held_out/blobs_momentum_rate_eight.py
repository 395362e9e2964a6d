# causes: step-too-large|dead-relu
import numpy as np
rs = np.random.RandomState(17)

# iris-like blobs
means = np.array([[5.0, 3.4, 1.5, 0.2], [5.9, 2.8, 4.3, 1.3], [6.6, 3.0, 5.5, 2.0]])
X = np.concatenate([rs.normal(mu, [0.35, 0.35, 0.3, 0.2], (50, 4)) for mu in means])
X = (X - X.mean(0)) / X.std(0)
t = np.repeat([0, 1, 2], 50)
T = np.eye(3)[t]

W = [rs.randn(4, 10) * np.sqrt(2/4), rs.randn(10, 3) * np.sqrt(2/10)]
B = [np.zeros(10), np.zeros(3)]
V = [np.zeros_like(w) for w in W]
U = [np.zeros_like(b) for b in B]

eta = 8.0
mu = 0.9

def softmax(s):
    s = s - s.max(axis=1, keepdims=True)
    return np.exp(s) / np.exp(s).sum(axis=1, keepdims=True)

for epoch in range(300):
    hid = np.maximum(0, X @ W[0] + B[0])
    out = softmax(hid @ W[1] + B[1])
    loss = -(T * np.log(out + 1e-10)).sum(axis=1).mean()
    d_out = (out - T) / len(X)
    d_hid = (d_out @ W[1].T) * (hid > 0)
    gW = [X.T @ d_hid, hid.T @ d_out]
    gB = [d_hid.sum(0), d_out.sum(0)]
    for i in range(2):
        V[i] = mu * V[i] - eta * gW[i]
        U[i] = mu * U[i] - eta * gB[i]
        W[i] += V[i]
        B[i] += U[i]
    if epoch % 30 == 0:
        print("epoch=%d loss=%.4f acc=%.3f" % (epoch, loss, (out.argmax(1) == t).mean()))
