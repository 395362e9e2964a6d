# causes: softmax-shift|exp-overflow
import numpy as np

def softmax(x):
    return np.exp(x) / np.sum(np.exp(x), axis=1, keepdims=True)

np.random.seed(9)
centers = np.array([[0, 0], [40, 0], [0, 40]])
labels = np.random.randint(0, 3, 150)
X = centers[labels] + np.random.randn(150, 2) * 5
W = np.random.randn(2, 3)
b = np.zeros(3)

for it in range(300):
    probs = softmax(X @ W + b)
    loss = -np.log(probs[range(150), labels]).mean()
    dscores = probs.copy()
    dscores[range(150), labels] -= 1
    dscores /= 150
    W -= 1.0 * (X.T @ dscores)
    b -= 1.0 * dscores.sum(axis=0)
    if it % 50 == 0:
        print("iteration %d: loss %f" % (it, loss))
