# causes: wrong-gradient|wrong-sign
import numpy as np
from dataclasses import dataclass, field

corpus = ("the king rules the land the queen rules the land "
          "the dog chases the cat the cat chases the mouse "
          "the king loves the queen the dog loves the mouse ").split() * 6


@dataclass
class Word2Vec:
    dim: int = 6
    window: int = 1
    lr: float = 0.1
    seed: int = 9
    vocab: dict = field(default_factory=dict)

    def build(self, words):
        for w in words:
            self.vocab.setdefault(w, len(self.vocab))
        r = np.random.RandomState(self.seed)
        V = len(self.vocab)
        self.W_in = r.uniform(-0.5, 0.5, (V, self.dim))
        self.W_out = r.uniform(-0.5, 0.5, (V, self.dim))
        self.ids = [self.vocab[w] for w in words]
        self.r = r

    def train(self, epochs):
        V = len(self.vocab)
        for epoch in range(epochs):
            total, n = 0.0, 0
            for i, c in enumerate(self.ids):
                for j in range(max(0, i - self.window), min(len(self.ids), i + self.window + 1)):
                    if j == i:
                        continue
                    o = self.ids[j]
                    negs = self.r.randint(0, V, 3)
                    targets = np.concatenate([[o], negs])
                    labels = np.array([1.0, 0.0, 0.0, 0.0])
                    v = self.W_in[c]
                    u = self.W_out[targets]
                    s = 1 / (1 + np.exp(-u @ v))
                    total += -np.log(s[0] + 1e-9) - np.log(1 - s[1:] + 1e-9).sum()
                    n += 1
                    g = s - 1
                    grad_v = g @ u
                    for k, t in enumerate(targets):
                        self.W_out[t] -= self.lr * g[k] * v
                    self.W_in[c] -= self.lr * grad_v
            print(f"epoch {epoch:2d}  loss {total / n:.4f}")


m = Word2Vec()
m.build(corpus)
m.train(12)
