# causes: none
import numpy as np

text = "natural language processing and machine learning is fun and exciting and learning language is natural fun".split()
word_to_id = {}
for w in text:
    if w not in word_to_id:
        word_to_id[w] = len(word_to_id)
V = len(word_to_id)
pairs = []
for i in range(len(text)):
    for j in list(range(max(0, i - 2), i)) + list(range(i + 1, min(len(text), i + 3))):
        pairs.append((word_to_id[text[i]], word_to_id[text[j]]))
X = np.zeros((len(pairs), V)); Y = np.zeros((len(pairs), V))
for k, (a, b) in enumerate(pairs):
    X[k, a] = 1
    Y[k, b] = 1

np.random.seed(42)
model = {"w1": np.random.randn(V, 10), "w2": np.random.randn(10, V)}

def softmax(M):
    res = []
    for x in M:
        e = np.exp(x)
        res.append(e / e.sum())
    return np.array(res)

def forward(model, X):
    cache = {}
    cache["a1"] = X @ model["w1"]
    cache["a2"] = cache["a1"] @ model["w2"]
    cache["z"] = softmax(cache["a2"])
    return cache

def backward(model, X, y, alpha):
    cache = forward(model, X)
    da2 = cache["z"] - y
    dw2 = cache["a1"].T @ da2
    da1 = da2 @ model["w2"].T
    dw1 = X.T @ da1
    model["w1"] -= alpha * dw1
    model["w2"] -= alpha * dw2
    return -np.sum(y * np.log(cache["z"]))

history = [backward(model, X, Y, 0.05) for _ in range(80)]
print(history[0], history[-1])
