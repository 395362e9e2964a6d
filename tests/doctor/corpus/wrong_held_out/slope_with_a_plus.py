# causes: wrong-gradient|wrong-sign|missing-derivative
# My first neural net from scratch - XOR
import numpy as np

def sigmoid(x):
    return 1 / (1 + np.exp(-x))

X = np.array([[0, 0], [0, 1], [1, 0], [1, 1]])
y = np.array([[0], [1], [1], [0]])

np.random.seed(1)
syn0 = 2 * np.random.random((2, 4)) - 1
syn1 = 2 * np.random.random((4, 1)) - 1
bh = np.zeros((1, 4))
bo = np.zeros((1, 1))

for j in range(6000):
    l1 = sigmoid(X.dot(syn0) + bh)
    l2 = sigmoid(l1.dot(syn1) + bo)
    l2_error = y - l2
    if j % 1000 == 0:
        print("Error:" + str(np.mean(np.abs(l2_error))))
    l2_delta = l2_error * (l2 * (1 - l2))
    l1_error = l2_delta.dot(syn1.T)
    l1_delta = l1_error * (l1 * (1 + l1))
    syn1 += l1.T.dot(l2_delta)
    bo += l2_delta.sum(axis=0, keepdims=True)
    syn0 += X.T.dot(l1_delta)
    bh += l1_delta.sum(axis=0, keepdims=True)

print("Output after training")
print(l2)
