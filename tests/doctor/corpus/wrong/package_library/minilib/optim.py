class SGD:
    def __init__(self, model, lr):
        self.model = model
        self.lr = lr

    def step(self):
        for layer in self.model.layers:
            for name in getattr(layer, "params", ()):
                value = getattr(layer, name)
                setattr(layer, name, value - self.lr * getattr(layer, "d" + name))
