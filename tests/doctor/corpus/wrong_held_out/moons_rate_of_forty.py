# causes: step-too-large
import numpy as np
from sklearn.datasets import make_moons
# import matplotlib.pyplot as plt

X, y = make_moons(200, noise=0.15, random_state=0)
num_examples = len(X)
nn_input_dim = 2
nn_output_dim = 2
epsilon = 40.0  # learning rate for gradient descent


def build_model(nn_hdim, num_passes=1000, print_loss=False):
    np.random.seed(0)
    W1 = np.random.randn(nn_input_dim, nn_hdim) / np.sqrt(nn_input_dim)
    b1 = np.zeros((1, nn_hdim))
    W2 = np.random.randn(nn_hdim, nn_output_dim) / np.sqrt(nn_hdim)
    b2 = np.zeros((1, nn_output_dim))
    for i in range(num_passes):
        z1 = X.dot(W1) + b1
        a1 = np.maximum(z1, 0)
        z2 = a1.dot(W2) + b2
        z2 = z2 - z2.max(axis=1, keepdims=True)
        exp_scores = np.exp(z2)
        probs = exp_scores / np.sum(exp_scores, axis=1, keepdims=True)
        delta3 = probs.copy()
        delta3[range(num_examples), y] -= 1
        delta3 /= num_examples
        dW2 = (a1.T).dot(delta3)
        db2 = np.sum(delta3, axis=0, keepdims=True)
        delta2 = delta3.dot(W2.T) * (z1 > 0)
        dW1 = np.dot(X.T, delta2)
        db1 = np.sum(delta2, axis=0, keepdims=True)
        W1 += -epsilon * dW1
        b1 += -epsilon * db1
        W2 += -epsilon * dW2
        b2 += -epsilon * db2
        if print_loss and i % 200 == 0:
            loss = -np.mean(np.log(probs[range(num_examples), y] + 1e-12))
            print("Loss after iteration %i: %f" % (i, loss))
    return {"W1": W1, "b1": b1, "W2": W2, "b2": b2}


def predict(model, x):
    a1 = np.maximum(x.dot(model["W1"]) + model["b1"], 0)
    return np.argmax(a1.dot(model["W2"]) + model["b2"], axis=1)


model = build_model(8, print_loss=True)
print("accuracy", np.mean(predict(model, X) == y))
