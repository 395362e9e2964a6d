# causes: none
import numpy as np

class Conv3x3:
    # A convolution layer using 3x3 filters, valid padding.
    def __init__(self, num_filters):
        self.num_filters = num_filters
        self.filters = np.random.randn(num_filters, 3, 3) / 9

    def iterate_regions(self, image):
        h, w = image.shape
        for i in range(h - 2):
            for j in range(w - 2):
                yield image[i:i + 3, j:j + 3], i, j

    def forward(self, image):
        self.last_input = image
        h, w = image.shape
        output = np.zeros((h - 2, w - 2, self.num_filters))
        for region, i, j in self.iterate_regions(image):
            output[i, j] = np.sum(region * self.filters, axis=(1, 2))
        return output

    def backprop(self, d_L_d_out, learn_rate):
        d_filters = np.zeros(self.filters.shape)
        for region, i, j in self.iterate_regions(self.last_input):
            for f in range(self.num_filters):
                d_filters[f] += d_L_d_out[i, j, f] * region
        self.filters -= learn_rate * d_filters


class Softmax:
    def __init__(self, input_len, nodes):
        self.weights = np.random.randn(input_len, nodes) / input_len
        self.biases = np.zeros(nodes)

    def forward(self, inp):
        self.last_shape = inp.shape
        self.last = inp.flatten()
        totals = self.last @ self.weights + self.biases
        e = np.exp(totals - totals.max())
        return e / e.sum()

    def backprop(self, d_t, learn_rate):
        d_in = self.weights @ d_t
        self.weights -= learn_rate * np.outer(self.last, d_t)
        self.biases -= learn_rate * d_t
        return d_in.reshape(self.last_shape)


np.random.seed(12)

def picture(kind):
    im = np.random.rand(8, 8) * 0.4 - 0.5
    k = np.random.randint(1, 7)
    if kind == 0:
        im[k, :] += 0.9
    elif kind == 1:
        im[:, k] += 0.9
    else:
        im[np.arange(8), np.arange(8)] += 0.9
    return im

kinds = np.random.randint(0, 3, 170)
pics = [picture(k) for k in kinds]
conv, soft = Conv3x3(4), Softmax(6 * 6 * 4, 3)

for epoch in range(5):
    loss = num_correct = 0
    for im, label in zip(pics[:130], kinds[:130]):
        hid = np.maximum(conv.forward(im), 0)
        out = soft.forward(hid)
        loss -= np.log(out[label])
        num_correct += int(np.argmax(out) == label)
        grad = out.copy()
        grad[label] -= 1
        g = soft.backprop(grad, 0.05)
        conv.backprop(g * (hid > 0), 0.05)
    print('Epoch %d: Average Loss %.3f | Accuracy: %d/130' % (epoch + 1, loss / 130, num_correct))

ok = sum(int(np.argmax(soft.forward(np.maximum(conv.forward(p), 0))) == k) for p, k in zip(pics[130:], kinds[130:]))
print('Test:', ok, '/ 40')
