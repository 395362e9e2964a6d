# causes: none
import numpy as np
from sklearn.datasets import make_moons
X, y = make_moons(200, noise=0.2, random_state=0)
N = len(X)
reg_lambda = 0.001
epsilon = 0.01

def build_model(nn_hdim, num_passes=3000):
    np.random.seed(0)
    W1 = np.random.randn(2, nn_hdim) / np.sqrt(2)
    b1 = np.zeros((1, nn_hdim))
    W2 = np.random.randn(nn_hdim, 2) / np.sqrt(nn_hdim)
    b2 = np.zeros((1, 2))
    model = {}
    for i in range(num_passes):
        a1 = np.tanh(X.dot(W1) + b1)
        exp_scores = np.exp(a1.dot(W2) + b2)
        probs = exp_scores / np.sum(exp_scores, axis=1, keepdims=True)
        delta3 = probs
        delta3[range(N), y] -= 1
        dW2 = (a1.T).dot(delta3)
        db2 = np.sum(delta3, axis=0, keepdims=True)
        delta2 = delta3.dot(W2.T) * (1 - np.power(a1, 2))
        dW1 = np.dot(X.T, delta2)
        db1 = np.sum(delta2, axis=0)
        dW2 += reg_lambda * W2
        dW1 += reg_lambda * W1
        W1 += -epsilon * dW1
        b1 += -epsilon * db1
        W2 += -epsilon * dW2
        b2 += -epsilon * db2
        model = {'W1': W1, 'b1': b1, 'W2': W2, 'b2': b2}
    return model

def predict(model, x):
    a1 = np.tanh(x.dot(model['W1']) + model['b1'])
    return np.argmax(a1.dot(model['W2']) + model['b2'], axis=1)

model = build_model(4)
print('train accuracy', np.mean(predict(model, X) == y))
