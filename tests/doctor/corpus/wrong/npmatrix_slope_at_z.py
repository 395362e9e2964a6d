# causes: derivative-on-z
from numpy import *

random.seed(5)


def sigmoid(x):
    return 1 / (1 + exp(-x))


def sigmoid_derivative(x):
    return multiply(x, 1 - x)


X = matrix([[0, 0, 1], [0, 1, 1], [1, 0, 1], [1, 1, 1]])
Y = matrix([[0], [1], [1], [0]])
syn0 = matrix(random.uniform(-1, 1, (3, 6)))
syn1 = matrix(random.uniform(-1, 1, (6, 1)))

for j in range(5000):
    z1 = X * syn0
    a1 = sigmoid(z1)
    z2 = a1 * syn1
    a2 = sigmoid(z2)
    err = Y - a2
    delta2 = multiply(err, sigmoid_derivative(z2))
    err1 = delta2 * syn1.T
    delta1 = multiply(err1, sigmoid_derivative(z1))
    syn1 += a1.T * delta2
    syn0 += X.T * delta1
    if j % 1000 == 0:
        print("Error:", mean(abs(err)))
print(a2)
