# causes: wrong-gradient
import numpy as np

def tanh(x):
    return np.tanh(x)

def dtanh(out):
    return out * (1 - out)

def loss_fn(pred, target):
    return 0.5 * np.mean(np.sum((pred - target) ** 2, axis=1))

def run_network(x, layers):
    outs = [x]
    for (W, b) in layers:
        outs.append(tanh(np.dot(outs[-1], W) + b))
    return outs

def train_step(x, target, layers, lr):
    outs = run_network(x, layers)
    delta = (outs[-1] - target) * dtanh(outs[-1]) / len(x)
    new_layers = []
    for i in range(len(layers) - 1, -1, -1):
        W, b = layers[i]
        dW = np.dot(outs[i].T, delta)
        db = np.sum(delta, axis=0, keepdims=True)
        if i > 0:
            delta = np.dot(delta, W.T) * dtanh(outs[i])
        new_layers.append((W - lr * dW, b - lr * db))
    new_layers.reverse()
    return new_layers, loss_fn(outs[-1], target)

if __name__ == "__main__":
    np.random.seed(17)
    X = np.random.uniform(-1, 1, (200, 2))
    # target: rotated and squashed coordinates
    Y = np.column_stack([0.8 * np.sin(2 * X[:, 0]) * X[:, 1], 0.45 * (X[:, 0] - X[:, 1])])
    sizes = [2, 15, 2]
    layers = []
    for a, b in zip(sizes, sizes[1:]):
        layers.append((np.random.randn(a, b) * 0.7, np.zeros((1, b))))
    for epoch in range(3000):
        layers, cost = train_step(X, Y, layers, 0.3)
        if epoch % 500 == 0:
            print(epoch, cost)
    print("final", cost)
