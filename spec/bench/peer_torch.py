"""PyTorch: eager as its tutorials write it, with the fused optimiser, and under torch.compile."""
import sys

from peer_child import initial, pinned, serve

pinned(int(sys.argv[2]))
import torch  # noqa: E402
import torch.nn.functional as F  # noqa: E402
from torch import nn  # noqa: E402


def put(parameter, array):
    value = torch.from_numpy(array)
    assert parameter.shape == value.shape, (parameter.shape, value.shape)
    with torch.no_grad():
        parameter.copy_(value)


def dense(layer, weights):
    put(layer.weight, weights.pop(0).T.copy())
    if layer.bias is not None:
        put(layer.bias, weights.pop(0))


def conv(layer, weights):
    kernel = weights.pop(0)
    order = (2, 3, 0, 1) if layer.groups > 1 else (3, 2, 0, 1)
    put(layer.weight, kernel.transpose(order).copy())
    if layer.bias is not None:
        put(layer.bias, weights.pop(0))


def norm(layer, weights):
    put(layer.weight, weights.pop(0))
    put(layer.bias, weights.pop(0))


def lstm(layer, weights):
    put(layer.weight_ih_l0, weights.pop(0).T.copy())
    put(layer.weight_hh_l0, weights.pop(0).T.copy())
    put(layer.bias_ih_l0, weights.pop(0))
    with torch.no_grad():
        layer.bias_hh_l0.zero_()
    layer.bias_hh_l0.requires_grad_(False)  # one bias, as in the other systems


def gru(layer, weights):
    def turned(array):  # columns z, r, n to r, z, n
        h = array.shape[-1] // 3
        parts = [array[..., h:2 * h], array[..., :h], array[..., 2 * h:]]
        return torch.cat([torch.from_numpy(p.copy()) for p in parts], -1).numpy()

    put(layer.weight_ih_l0, turned(weights.pop(0)).T.copy())
    put(layer.weight_hh_l0, turned(weights.pop(0)).T.copy())
    bias = turned(weights.pop(0))
    put(layer.bias_ih_l0, bias[0].copy())
    put(layer.bias_hh_l0, bias[1].copy())


class Block(nn.Module):
    def __init__(self, weights, width=128, heads=4):
        super().__init__()
        self.heads = heads
        self.norm1, self.qkv = nn.LayerNorm(width), nn.Linear(width, 3 * width)
        self.proj, self.norm2 = nn.Linear(width, width), nn.LayerNorm(width)
        self.up, self.down = nn.Linear(width, 4 * width), nn.Linear(4 * width, width)
        norm(self.norm1, weights)
        kernels, biases = [], []
        for _ in range(3):
            kernels.append(torch.from_numpy(weights.pop(0).reshape(width, width)))
            biases.append(torch.from_numpy(weights.pop(0).reshape(width)))
        put(self.qkv.weight, torch.cat(kernels, 1).T.contiguous().numpy())
        put(self.qkv.bias, torch.cat(biases).numpy())
        weights[0] = weights[0].reshape(width, width)
        dense(self.proj, weights)
        norm(self.norm2, weights)
        dense(self.up, weights)
        dense(self.down, weights)

    def forward(self, x):
        b, t, c = x.shape
        q, k, v = (z.view(b, t, self.heads, -1).transpose(1, 2)
                   for z in self.qkv(self.norm1(x)).split(c, 2))
        a = F.scaled_dot_product_attention(q, k, v, is_causal=True)
        x = x + self.proj(a.transpose(1, 2).reshape(b, t, c))
        return x + self.down(F.gelu(self.up(self.norm2(x))))


class CharGPT(nn.Module):
    def __init__(self, weights):
        super().__init__()
        self.tokens, self.places = nn.Embedding(65, 128), nn.Embedding(64, 128)
        put(self.tokens.weight, weights.pop(0))
        put(self.places.weight, weights.pop(0))
        self.blocks = nn.ModuleList([Block(weights) for _ in range(4)])
        self.norm, self.head = nn.LayerNorm(128), nn.Linear(128, 65, bias=False)
        norm(self.norm, weights)
        dense(self.head, weights)

    def forward(self, ids):
        x = self.tokens(ids) + self.places.weight
        for block in self.blocks:
            x = block(x)
        return self.head(self.norm(x)).flatten(0, 1)


class Tagger(nn.Module):
    def __init__(self, weights):
        super().__init__()
        self.lstm, self.head = nn.LSTM(64, 256), nn.Linear(256, 64)
        lstm(self.lstm, weights)
        dense(self.head, weights)

    def forward(self, x):
        return self.head(self.lstm(x)[0]).flatten(0, 1)


class Pair(nn.Module):
    def __init__(self, weights):
        super().__init__()
        self.encoder, self.decoder = nn.GRU(32, 128), nn.GRU(32, 128)
        self.head = nn.Linear(128, 32)
        gru(self.encoder, weights)
        gru(self.decoder, weights)
        dense(self.head, weights)

    def forward(self, source, target):
        _, state = self.encoder(source)
        return self.head(self.decoder(target, state)[0]).flatten(0, 1)


class Ensemble(nn.Module):
    def __init__(self, weights):
        super().__init__()
        self.values = nn.ParameterList([nn.Parameter(torch.from_numpy(w)) for w in weights])

    def forward(self, x):
        w1, b1, w2, b2 = self.values
        return torch.baddbmm(b2, torch.tanh(torch.baddbmm(b1, x, w1)), w2)


def sequential(layers, weights):
    for layer in layers:
        if isinstance(layer, nn.Linear):
            dense(layer, weights)
        elif isinstance(layer, nn.Conv2d):
            conv(layer, weights)
        elif isinstance(layer, (nn.BatchNorm1d, nn.BatchNorm2d)):
            norm(layer, weights)
    return nn.Sequential(*layers)


def digits(weights):
    kernel = weights[4].reshape(5, 5, 64, 128).transpose(2, 0, 1, 3)  # flattened channels first
    weights[4] = kernel.reshape(1600, 128)
    return sequential([nn.Conv2d(1, 32, 3), nn.ReLU(), nn.MaxPool2d(2), nn.Conv2d(32, 64, 3),
                       nn.ReLU(), nn.MaxPool2d(2), nn.Flatten(), nn.Linear(1600, 128), nn.ReLU(),
                       nn.Linear(128, 10)], weights)


def depthwise(weights):
    layers, channels = [nn.Conv2d(3, 32, 3, padding=1), nn.ReLU()], 32
    for filters in (64, 128, 128):
        layers += [nn.Conv2d(channels, channels, 3, padding=1, groups=channels, bias=False),
                   nn.BatchNorm2d(channels), nn.ReLU(), nn.Conv2d(channels, filters, 1, bias=False),
                   nn.BatchNorm2d(filters), nn.ReLU()]
        channels = filters
    return sequential(layers + [nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(128, 10)], weights)


MODELS = {
    "W1": lambda w: sequential([nn.Linear(2, 8), nn.Tanh(), nn.Linear(8, 1), nn.Sigmoid()], w),
    "W2": lambda w: sequential([nn.Linear(784, 128), nn.ReLU(), nn.Linear(128, 10)], w),
    "W3": lambda w: sequential([nn.Linear(784, 1024), nn.ReLU(), nn.Linear(1024, 1024), nn.ReLU(),
                                nn.Linear(1024, 10)], w),
    "W4": digits, "W5": Tagger, "W6": CharGPT,
    "W7": lambda w: sequential([nn.Linear(256, 256), nn.BatchNorm1d(256), nn.ReLU(),
                                nn.Dropout(0.5), nn.Linear(256, 256), nn.BatchNorm1d(256),
                                nn.ReLU(), nn.Linear(256, 10)], w),
    "W8": depthwise, "W9": Pair, "W10": Ensemble,
}
LOSSES = {"W1": nn.BCELoss(), "W10": nn.MSELoss()}


def data_of(workload, inputs, targets):
    xs = [torch.from_numpy(x) for x in inputs]
    y = torch.from_numpy(targets)
    if y.dtype == torch.int32:
        y = y.long()
    if workload in ("W5", "W9"):  # time first, PyTorch's default
        xs, y = [x.transpose(0, 1).contiguous() for x in xs], y.T.contiguous().flatten()
    elif workload == "W6":
        xs, y = [x.long() for x in xs], y.flatten()
    elif workload in ("W4", "W8"):
        xs = [x.permute(0, 3, 1, 2).contiguous() for x in xs]
    return xs, y


def optimizer_of(workload, model):
    parameters = [p for p in model.parameters() if p.requires_grad]
    if workload == "W1":
        return torch.optim.SGD(parameters, lr=0.5, fused=True)
    if workload == "W6":
        return torch.optim.AdamW(parameters, lr=1e-3, weight_decay=1e-2, fused=True)
    return torch.optim.Adam(parameters, lr=1e-2 if workload == "W10" else 1e-3, fused=True)


def prepare(workload, threads, path, variant):
    torch.set_num_threads(threads)
    torch.manual_seed(1)
    inputs, targets, weights = initial(path)
    model = MODELS[workload](weights)
    xs, y = data_of(workload, inputs, targets)
    if variant.endswith("last"):
        model = model.to(memory_format=torch.channels_last)
        xs = [x.to(memory_format=torch.channels_last) for x in xs]
    optimizer = optimizer_of(workload, model)
    measure = LOSSES.get(workload, nn.CrossEntropyLoss())

    def loss_of():
        return measure(model(*xs), y)

    if variant.startswith("compile"):
        loss_of = torch.compile(loss_of)

    def step():
        loss = loss_of()
        optimizer.zero_grad(set_to_none=True)
        loss.backward()
        optimizer.step()
        return loss

    def many(n):
        for _ in range(n):
            loss = step()
        return float(loss.detach())

    return lambda: float(step().detach()), many, "torch " + torch.__version__


if __name__ == "__main__":
    serve(prepare)
