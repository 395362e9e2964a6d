# causes: none
import numpy as np
# h1, h2 -> o1 written out, like in a blog post for beginners
def sigmoid(x):
    return 1 / (1 + np.exp(-x))

def deriv_sigmoid(x):
    fx = sigmoid(x)
    return fx * (1 - fx)

class OurNeuralNetwork:
    def __init__(self):
        np.random.seed(3)
        self.w1 = np.random.normal(); self.w2 = np.random.normal()
        self.w3 = np.random.normal(); self.w4 = np.random.normal()
        self.w5 = np.random.normal(); self.w6 = np.random.normal()
        self.b1 = np.random.normal(); self.b2 = np.random.normal(); self.b3 = np.random.normal()

    def feedforward(self, x):
        h1 = sigmoid(self.w1 * x[0] + self.w2 * x[1] + self.b1)
        h2 = sigmoid(self.w3 * x[0] + self.w4 * x[1] + self.b2)
        return sigmoid(self.w5 * h1 + self.w6 * h2 + self.b3)

    def train(self, data, all_y_trues):
        learn_rate = 0.1
        for epoch in range(1000):
            for x, y_true in zip(data, all_y_trues):
                sum_h1 = self.w1 * x[0] + self.w2 * x[1] + self.b1
                h1 = sigmoid(sum_h1)
                sum_h2 = self.w3 * x[0] + self.w4 * x[1] + self.b2
                h2 = sigmoid(sum_h2)
                sum_o1 = self.w5 * h1 + self.w6 * h2 + self.b3
                y_pred = sigmoid(sum_o1)
                d_L = -2 * (y_true - y_pred)
                d_w5 = h1 * deriv_sigmoid(sum_o1)
                d_w6 = h2 * deriv_sigmoid(sum_o1)
                d_b3 = deriv_sigmoid(sum_o1)
                d_h1 = self.w5 * deriv_sigmoid(sum_o1)
                d_h2 = self.w6 * deriv_sigmoid(sum_o1)
                d_w1 = x[0] * deriv_sigmoid(sum_h1)
                d_w2 = x[1] * deriv_sigmoid(sum_h1)
                d_b1 = deriv_sigmoid(sum_h1)
                d_w3 = x[0] * deriv_sigmoid(sum_h2)
                d_w4 = x[1] * deriv_sigmoid(sum_h2)
                d_b2 = deriv_sigmoid(sum_h2)
                self.w1 -= learn_rate * d_L * d_h1 * d_w1
                self.w2 -= learn_rate * d_L * d_h1 * d_w2
                self.b1 -= learn_rate * d_L * d_h1 * d_b1
                self.w3 -= learn_rate * d_L * d_h2 * d_w3
                self.w4 -= learn_rate * d_L * d_h2 * d_w4
                self.b2 -= learn_rate * d_L * d_h2 * d_b2
                self.w5 -= learn_rate * d_L * d_w5
                self.w6 -= learn_rate * d_L * d_w6
                self.b3 -= learn_rate * d_L * d_b3
            if epoch % 200 == 0:
                preds = np.apply_along_axis(self.feedforward, 1, data)
                print("Epoch %d loss: %.3f" % (epoch, ((all_y_trues - preds) ** 2).mean()))

data = np.array([[-2, -1], [25, 6], [17, 4], [-15, -6]]) / 10
all_y_trues = np.array([1, 0, 0, 1])
network = OurNeuralNetwork()
network.train(data, all_y_trues)
