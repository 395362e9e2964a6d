import numpy as np


def mse(pred, target):
    diff = pred - target
    return np.mean(diff ** 2), 2 * diff / len(diff)
