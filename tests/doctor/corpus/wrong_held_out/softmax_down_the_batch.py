# causes: softmax-axis
import numpy as np

np.random.seed(8)
# three gaussian blobs, samples in rows
centers = np.array([[0, 2], [2, -1], [-2, -1]])
X = np.vstack([c + 0.6 * np.random.randn(50, 2) for c in centers])
y = np.repeat([0, 1, 2], 50)
Y = np.eye(3)[y]

W1 = np.random.randn(2, 10) * 0.3
b1 = np.zeros((1, 10))
W2 = np.random.randn(10, 3) * 0.3
b2 = np.zeros((1, 3))

def softmax(s):
    e = np.exp(s - np.max(s))
    return e / e.sum(axis=0, keepdims=True)

for i in range(400):
    h = np.tanh(X @ W1 + b1)
    out = softmax(h @ W2 + b2)
    loss = -np.sum(Y * np.log(out)) / len(X)
    d2 = (out - Y) / len(X)
    dh = d2 @ W2.T * (1 - h * h)
    W2 = W2 - 0.5 * h.T @ d2
    b2 = b2 - 0.5 * d2.sum(axis=0, keepdims=True)
    W1 = W1 - 0.5 * X.T @ dh
    b1 = b1 - 0.5 * dh.sum(axis=0, keepdims=True)
    if i % 100 == 0:
        print("Loss:", loss)
print("Accuracy:", np.mean(out.argmax(axis=1) == y))
