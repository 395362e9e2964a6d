# causes: constant-labels
import numpy as np

np.random.seed(0)
people = np.random.rand(200, 2)  # age, income, both scaled to 0..1
is_adult = (people[:, 0] >= 18).astype(int).reshape(200, 1)

weights = np.random.randn(2, 1)
bias = 0
for epoch in range(300):
    z = np.dot(people, weights) + bias
    a = 1 / (1 + np.exp(-z))
    error = a - is_adult
    weights -= 0.1 * np.dot(people.T, error) / 200
    bias -= 0.1 * np.mean(error)
    if epoch % 50 == 0:
        print('accuracy', np.mean((a > 0.5) == is_adult))
