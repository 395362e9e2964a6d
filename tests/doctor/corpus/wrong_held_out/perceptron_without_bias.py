# causes: no-bias
import numpy as np

rng = np.random.default_rng(1)
a = rng.normal([4, 4], 0.6, (50, 2))
b = rng.normal([7, 7], 0.6, (50, 2))
data = np.concatenate([a, b])
target = np.array([0] * 50 + [1] * 50)

weights = rng.normal(size=2) * 0.1
learning_rate = 0.05

def predict(row, weights):
    return 1 / (1 + np.exp(-np.dot(row, weights)))

for epoch in range(100):
    errors = 0
    for i in rng.permutation(100):
        out = predict(data[i], weights)
        error = target[i] - out
        weights += learning_rate * error * data[i]
        errors += int((out > 0.5) != target[i])
    print('epoch', epoch, 'errors', errors)
