# causes: wrong-operand|wrong-gradient
# tiny 1D conv net written by hand, no frameworks!
# class 1: signal ramps up slowly and drops sharply, class 0: the mirror image
import numpy as np
rng = np.random.default_rng(21)

K = 5      # kernel size
F = 4      # number of filters
L = 24     # signal length

def make_signal(label):
    ramp = np.array([0.0, 0.25, 0.5, 0.75, 1.0])
    if label == 0:
        ramp = ramp[::-1]
    s = rng.normal(0, 0.15, L)
    for start in rng.choice([1, 7, 13, 19], 2, replace=False):
        s[start:start + 5] += 1.5 * ramp
    return s

labels = rng.integers(0, 2, 160)
signals = np.array([make_signal(l) for l in labels])

kernels = rng.normal(0, 0.3, (F, K))
kbias = np.zeros(F)
w = rng.normal(0, 0.3, F)
b = 0.0
lr = 0.05

def forward(s):
    pos = L - K + 1
    conv = np.zeros((F, pos))
    for f in range(F):
        for i in range(pos):
            conv[f, i] = np.sum(kernels[f] * s[i:i + K]) + kbias[f]
    act = np.maximum(conv, 0)
    best = act.argmax(axis=1)
    pooled = act[np.arange(F), best]
    p = 1 / (1 + np.exp(-(pooled @ w + b)))
    return conv, best, pooled, p

for epoch in range(12):
    total, right = 0.0, 0
    for n in rng.permutation(120):
        conv, best, pooled, p = forward(signals[n])
        t = labels[n]
        total += -(t * np.log(p + 1e-9) + (1 - t) * np.log(1 - p + 1e-9))
        right += int((p > 0.5) == t)

        d = p - t
        dpooled = d * w
        w = w - lr * d * pooled
        b = b - lr * d
        for f in range(F):
            i = best[f]
            if conv[f, i] > 0:
                patch = signals[n][i:i + K]
                kernels[f] -= lr * dpooled[f] * patch[::-1]
                kbias[f] -= lr * dpooled[f]
    print("epoch", epoch, "loss", total / 120, "acc", right / 120)

test = [(forward(signals[n])[3] > 0.5) == labels[n] for n in range(120, 160)]
print("test accuracy", np.mean(test))
