# causes: wrong-sign
import argparse
import numpy as np

parser = argparse.ArgumentParser()
parser.add_argument("--epochs", type=int, default=400)
parser.add_argument("--lr", type=float, default=0.1)
parser.add_argument("--momentum", type=float, default=0.9)
parser.add_argument("--seed", type=int, default=3)
args = parser.parse_args()


def main():
    np.random.seed(args.seed)
    X = np.random.randn(120, 3)
    Y = (X.sum(axis=1) > 0).astype(np.float64).reshape(-1, 1)
    params = dict(W1=np.random.randn(3, 6) * 0.5, b1=np.zeros(6), W2=np.random.randn(6, 1) * 0.5, b2=np.zeros(1))
    velocity = {k: np.zeros_like(v) for k, v in params.items()}
    for epoch in range(args.epochs):
        H = np.tanh(X.dot(params["W1"]) + params["b1"])
        O = 1 / (1 + np.exp(-(H.dot(params["W2"]) + params["b2"])))
        dO = (O - Y) / X.shape[0]
        grads = {}
        grads["W2"] = H.T.dot(dO)
        grads["b2"] = dO.sum(0)
        dH = dO.dot(params["W2"].T) * (1 - H * H)
        grads["W1"] = X.T.dot(dH)
        grads["b1"] = dH.sum(0)
        for k in params:
            velocity[k] = args.momentum * velocity[k] + args.lr * grads[k]
            params[k] = params[k] + velocity[k]
        if epoch % 50 == 0:
            loss = -np.mean(Y * np.log(O + 1e-12) + (1 - Y) * np.log(1 - O + 1e-12))
            print(f"epoch {epoch:4d}  loss {loss:.4f}")


if __name__ == "__main__":
    main()
