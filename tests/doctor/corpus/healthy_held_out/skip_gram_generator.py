# causes: none
import numpy as np

corpus = ("the king rules the land . the queen rules the land . the dog chases the cat . "
          "the cat chases the mouse . the king loves the queen . the queen loves the king . "
          "the dog eats meat . the cat eats fish . the mouse eats cheese . ") * 3
words = corpus.split()
vocab = sorted(set(words))
w2i = {w: i for i, w in enumerate(vocab)}
V, dim, window = len(vocab), 10, 2

pairs = []
for i, w in enumerate(words):
    for j in range(max(0, i - window), min(len(words), i + window + 1)):
        if i != j:
            pairs.append((w2i[w], w2i[words[j]]))
pairs = np.array(pairs)

rng = np.random.default_rng(0)
emb = rng.normal(0, 0.1, (V, dim))
ctx = rng.normal(0, 0.1, (dim, V))


def batches(data, size):
    data = rng.permutation(data)
    for s in range(0, len(data), size):
        yield data[s:s + size, 0], data[s:s + size, 1]


# lower bound: entropy of the context given the centre word
counts = np.zeros((V, V))
np.add.at(counts, (pairs[:, 0], pairs[:, 1]), 1)
cond = counts / counts.sum(1, keepdims=True)
bound = -np.sum(counts * np.log(cond + 1e-12)) / counts.sum()

for epoch in range(60):
    losses = []
    for center, context in batches(pairs, 16):
        v = emb[center]
        logits = v @ ctx
        logits -= logits.max(axis=1, keepdims=True)
        p = np.exp(logits)
        p /= p.sum(axis=1, keepdims=True)
        rows = np.arange(len(center))
        losses.append(-np.log(p[rows, context]).mean())
        p[rows, context] -= 1
        dv = p @ ctx.T
        ctx -= 0.5 * v.T @ p / len(center)
        np.add.at(emb, center, -0.5 * dv / len(center))
    if epoch % 6 == 0:
        print(f"epoch {epoch} loss {np.mean(losses):.4f} (start would be {np.log(V):.4f}, best possible {bound:.4f})")

unit = emb / np.linalg.norm(emb, axis=1, keepdims=True)
for q in ("king", "cat"):
    near = np.argsort(-unit @ unit[w2i[q]])[1:4]
    print(q, "->", [vocab[k] for k in near])
