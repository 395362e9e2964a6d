# causes: metric-never-reset
import numpy as np

def softmax(z):
    z = z - np.max(z)
    return np.exp(z) / np.sum(np.exp(z))

rng = np.random.RandomState(64)
centers = rng.uniform(-3, 3, (5, 8))
labels = rng.randint(0, 5, 500)
samples = centers[labels] + rng.randn(500, 8)

W = rng.randn(5, 8) * 0.05
b = np.zeros(5)
lr = 0.01

correct = 0
total_loss = 0.0
print('--CLASSIFIER initialized!--')
for epoch in range(8):
    print('--- Epoch %d ---' % (epoch + 1))
    permutation = rng.permutation(500)
    for i, k in enumerate(permutation):
        x, label = samples[k], labels[k]
        out = softmax(W @ x + b)
        total_loss += -np.log(out[label])
        correct += 1 if np.argmax(out) == label else 0
        grad = out.copy()
        grad[label] -= 1
        W -= lr * np.outer(grad, x)
        b -= lr * grad
    print('[Step %d] Average Loss %.3f | Accuracy: %.1f%%' % (i + 1, total_loss / 500, 100 * correct / 500))
