#!/usr/bin/env python3
"""Writes conv.lua: convolutions and poolings as PyTorch and Keras (TensorFlow) compute them in f64.

    python3 spec/parity/conv.py > spec/parity/conv.lua

Every case is computed by at least one of them; where both can, they must agree within 1e-12 or this
script stops. PyTorch gets its padding written out by the rule of Keras. Inputs are multiples of
1/64, drawn by the generator below, which the spec repeats; so they are exact in f32 as well.
Upstream gradients come from the same generator.
"""
import os
import sys
import textwrap

os.environ.update(KERAS_BACKEND="tensorflow", TF_CPP_MIN_LOG_LEVEL="3", TF_ENABLE_ONEDNN_OPTS="0")
import numpy as np
import torch
import torch.nn.functional as F
import tensorflow as tf
import keras

MASK = 2**64 - 1


def draw(shape, seed):
    """Knuth's MMIX generator, the highest 8 bits as v / 64 - 2."""
    state, out = seed, []
    for _ in range(int(np.prod(shape))):
        state = (state * 6364136223846793005 + 1442695040888963407) & MASK
        out.append((state >> 56) / 64 - 2)
    return np.array(out).reshape(shape)


def pair(v):
    return tuple(v) if isinstance(v, (list, tuple)) else (v, v)


# ---- padding by the rule of Keras ---------------------------------------------------------------

def pads_of(n, k, s, d, padding):
    span = (k - 1) * d + 1
    if padding == "causal":
        return span - 1, 0
    if padding == "same":
        total = max((-(-n // s) - 1) * s + span - n, 0)
        return total // 2, total - total // 2
    return 0, 0


def all_pads(case, sizes, kernel, strides, dilation):
    given = case.get("pads")
    if given is not None:
        if isinstance(given, int):
            given = [given] * (2 * len(sizes))
        return [tuple(given[2 * i:2 * i + 2]) for i in range(len(sizes))]
    padding = case.get("padding", "valid")
    return [pads_of(n, k, s, d, padding) for n, k, s, d in zip(sizes, kernel, strides, dilation)]


def spatial(case):
    return 1 if "1d" in case["op"] else 2


def axis_values(case, name, default):
    v = case.get(name, default)
    return (v,) if spatial(case) == 1 else pair(v)


def first(x):  # channels last to channels first
    return x.permute(0, x.dim() - 1, *range(1, x.dim() - 1)).contiguous()


def last(x):
    return x.permute(0, *range(2, x.dim()), 1)


ACTIVATIONS = {
    "relu": torch.relu, "sigmoid": torch.sigmoid, "tanh": torch.tanh, "gelu": F.gelu,
    "silu": F.silu, "softplus": F.softplus, "elu": F.elu, "selu": F.selu, "mish": F.mish,
    "relu6": F.relu6, "leaky_relu": lambda x: F.leaky_relu(x, 0.2), "softsign": F.softsign,
    "hard_sigmoid": lambda x: F.relu6(x + 3) / 6,  # F.hardsigmoid rounds its 1/6 to f32
    "hard_silu": lambda x: x * F.relu6(x + 3) / 6, "log_sigmoid": F.logsigmoid,
    "celu": F.celu, "exponential": torch.exp,
}


def activate(case, y):
    name = case.get("activation")
    return ACTIVATIONS[name](y) if name else y


def torch_pad(x, pads, value=0.0):
    flat = []
    for before, after in reversed(pads):
        flat += [before, after]
    return F.pad(x, flat, value=value)


def torch_conv(case, x, w, b):
    dims = spatial(case)
    strides, dilation = axis_values(case, "strides", 1), axis_values(case, "dilation", 1)
    kernel = w.shape[:dims]
    x = first(x)
    x = torch_pad(x, all_pads(case, x.shape[2:], kernel, strides, dilation))
    if case["op"].startswith("depthwise"):
        channels, m = w.shape[-2:]
        w = w.reshape(*kernel, 1, channels * m)
        groups = channels
    else:
        groups = case.get("groups", 1)
    w = w.permute(dims + 1, dims, *range(dims)).contiguous()
    conv = F.conv1d if dims == 1 else F.conv2d
    y = conv(x, w, b, stride=strides, dilation=dilation, groups=groups)
    return activate(case, last(y))


def torch_transpose(case, x, w, b):
    """The whole transposed convolution, then cut (or grown by zeros) to the size that Keras gives."""
    dims = spatial(case)
    strides, dilation = axis_values(case, "strides", 1), axis_values(case, "dilation", 1)
    extra = axis_values(case, "output_padding", None)
    padding, given = case.get("padding", "valid"), case.get("pads")
    conv = F.conv_transpose1d if dims == 1 else F.conv_transpose2d
    w = w.permute(dims + 1, dims, *range(dims)).contiguous()
    y = conv(first(x), w, stride=strides, dilation=dilation)
    if isinstance(given, int):
        given = [given] * (2 * dims)
    cuts = []
    for i in range(dims):
        n, s = x.shape[1 + i], strides[i]
        span = (w.shape[2 + i] - 1) * dilation[i] + 1
        full, plus = (n - 1) * s + span, extra[i]
        if given:
            cuts.append((given[2 * i], given[2 * i + 1] - (plus or 0)))
            continue
        if padding == "same":
            size = n * s if plus is None else (n - 1) * s + span % 2 + plus
            before = max(full - size, 0) // 2
        else:
            size, before = (max(full, (n - 1) * s + s) if plus is None else full + plus), 0
        cuts.append((before, full - size - before))
    y = torch_pad(y, [(-a, -b) for a, b in cuts])
    if b is not None:
        y = y + b.reshape(1, -1, *[1] * dims)
    return activate(case, last(y))


def torch_pool(case, x):
    dims = spatial(case)
    pool = axis_values(case, "pool", 2)
    strides = axis_values(case, "strides", None)
    strides = [s or k for s, k in zip(strides, pool)]
    x = first(x)
    pads = all_pads(case, x.shape[2:], pool, strides, (1,) * dims)
    if case["op"].startswith("max"):
        run = F.max_pool1d if dims == 1 else F.max_pool2d
        return last(run(torch_pad(x, pads, -np.inf), pool, strides))
    run = F.avg_pool1d if dims == 1 else F.avg_pool2d
    y = run(torch_pad(x, pads), pool, strides)
    if not case.get("count_pads"):
        y = y / run(torch_pad(torch.ones_like(x), pads), pool, strides)
    return last(y)


def torch_layer(case, x, *w):
    kind = case["layer"]
    o = case.get("options", {})
    if kind in ("separable_conv1d", "separable_conv2d"):
        deep = dict(o, op="depthwise_conv1d" if kind.endswith("1d") else "depthwise_conv2d")
        deep.pop("activation", None)
        y = torch_conv(deep, x, w[0], None)
        y = y @ w[1].reshape(w[1].shape[-2:])
        return activate(o, y + w[2] if len(w) > 2 else y)
    axes = tuple(range(1, x.dim() - 1))
    if kind.startswith("global_avg"):
        return x.mean(axes, keepdim=o.get("keepdims", False))
    if kind.startswith("global_max"):
        return torch.amax(x, axes, keepdim=o.get("keepdims", False))
    if kind.startswith("zero_padding"):
        return last(torch_pad(first(x), padding_pairs(kind, o.get("padding", 1))))
    size = o.get("size", 2)
    if o.get("interpolation") == "bilinear":
        return last(F.interpolate(first(x), scale_factor=tuple(float(s) for s in pair(size)),
                                  mode="bilinear", align_corners=False))
    for axis, times in zip(axes, (size,) if kind.endswith("1d") else pair(size)):
        x = x.repeat_interleave(times, axis)
    return x


def padding_pairs(kind, p):
    if kind.endswith("1d"):
        return [pair(p)]
    if isinstance(p, int):
        return [(p, p), (p, p)]
    return [pair(v) for v in p]


# ---- Keras ---------------------------------------------------------------------------------------

def keras_layer(case):
    """The layer of Keras for a case, or None where Keras has none."""
    L, c = keras.layers, case
    if "layer" in c:
        o, kind = c.get("options", {}), c["layer"]
        if kind.startswith("separable"):
            cls = L.SeparableConv1D if kind.endswith("1d") else L.SeparableConv2D
            return cls(o["filters"], o["kernel"], strides=o.get("strides", 1),
                       padding=o.get("padding", "valid"), dilation_rate=o.get("dilation", 1),
                       depth_multiplier=o.get("multiplier", 1), use_bias=o.get("bias", True),
                       activation=o.get("activation"), dtype="float64")
        n = kind[-2:].upper()
        if kind.startswith("global"):
            name = "GlobalAveragePooling" if "avg" in kind else "GlobalMaxPooling"
            return getattr(L, name + n)(keepdims=o.get("keepdims", False), dtype="float64")
        if kind.startswith("zero_padding"):
            p = o.get("padding", 1)
            return getattr(L, "ZeroPadding" + n)(p if isinstance(p, int) else
                                                 tuple(map(tuple, p)) if isinstance(p[0], list)
                                                 else tuple(p), dtype="float64")
        if o.get("interpolation") == "bilinear":
            return None  # tf.image.resize works in f32 alone
        return getattr(L, "UpSampling" + n)(o.get("size", 2), dtype="float64")
    if c.get("pads") is not None or c.get("count_pads"):
        return None
    op, dims = c["op"], spatial(c)
    n = "%dD" % dims
    padding, act = c.get("padding", "valid"), c.get("activation")
    if act in ("gelu", "leaky_relu"):
        return None  # with a constant rounded to f32, whatever the type
    strides, dilation = axis_values(c, "strides", 1), axis_values(c, "dilation", 1)
    if "pool" in op:
        name = "MaxPooling" if op.startswith("max") else "AveragePooling"
        return getattr(L, name + n)(axis_values(c, "pool", 2), c.get("strides"), padding,
                                    dtype="float64")
    if max(strides) > 1 and max(dilation) > 1:
        return None
    common = dict(strides=strides, padding=padding, dilation_rate=dilation,
                  activation=act,
                  use_bias=c.get("bias", True), dtype="float64")
    if op.startswith("depthwise"):
        if len(set(strides)) > 1 or padding == "causal":
            return None
        return getattr(L, "DepthwiseConv" + n)(c["kernel"], depth_multiplier=c.get("multiplier", 1),
                                               **common)
    if "transpose" in op:
        return getattr(L, "Conv" + n + "Transpose")(c["filters"], c["kernel"],
                                                    output_padding=c.get("output_padding"), **common)
    return getattr(L, "Conv" + n)(c["filters"], c["kernel"], groups=c.get("groups", 1), **common)


def run_keras(case, x, weights, gout):
    try:
        layer = keras_layer(case)
        if layer is None:
            return None
        layer.build(x.shape)
        layer.set_weights([w.reshape(v.shape) for w, v in zip(weights, layer.weights)])
        with tf.GradientTape() as tape:
            t = tf.convert_to_tensor(x)
            tape.watch(t)
            y = layer(t)
            loss = tf.reduce_sum(y * gout)
        sources = [t] + [v.value for v in layer.trainable_weights]
        grads = tape.gradient(loss, sources)
        return y.numpy(), [np.array(g) for g in grads]
    except (tf.errors.UnimplementedError, tf.errors.InvalidArgumentError, ValueError) as e:
        print("keras cannot:", case, str(e).splitlines()[0][:150], file=sys.stderr)
        return None


def run_torch(case, x, weights, gout=None):
    leaves = [torch.tensor(v, requires_grad=True) for v in [x] + weights]
    if "layer" in case:
        y = torch_layer(case, *leaves)
    elif "pool" in case["op"]:
        y = torch_pool(case, leaves[0])
    else:
        bias = leaves[2] if len(leaves) > 2 else None
        run = torch_transpose if "transpose" in case["op"] else torch_conv
        y = run(case, leaves[0], leaves[1], bias)
    if gout is None:
        return tuple(y.shape)
    y.backward(torch.tensor(gout))
    return y.detach().numpy(), [v.grad.numpy() for v in leaves]


# ---- the grid ------------------------------------------------------------------------------------

CASES = []


def add(op, x, **o):
    CASES.append(dict(o, op=op, x=x))


def layer(kind, x, weights=(), **o):
    CASES.append({"layer": kind, "x": x, "w": [list(w) for w in weights], "options": o})


def grid():
    for padding in ("valid", "same"):
        for strides in (1, 2, [2, 1], [1, 3]):
            for kernel in ([3, 3], [2, 3], [1, 1]):
                add("conv2d", [1, 5, 6, 2], filters=2, kernel=kernel, strides=strides,
                    padding=padding)
        for dilation in (2, [1, 2]):
            add("conv2d", [1, 6, 7, 2], filters=2, kernel=[3, 2], dilation=dilation,
                padding=padding)
        add("conv2d", [1, 7, 7, 1], filters=2, kernel=[2, 2], dilation=2, strides=2,
            padding=padding)
        add("conv2d", [2, 4, 4, 4], filters=6, kernel=[3, 3], groups=2, padding=padding)
        add("conv2d", [1, 4, 5, 3], filters=3, kernel=[2, 2], groups=3, strides=2, padding=padding)
        add("conv2d", [1, 5, 5, 3], filters=2, kernel=[5, 5], padding=padding, bias=False)
    add("conv2d", [1, 3, 3, 4], filters=2, kernel=[1, 1], groups=2)
    add("conv2d", [1, 1, 1, 1], filters=1, kernel=[1, 1])
    add("conv2d", [1, 2, 2, 1], filters=1, kernel=[5, 4], padding="same")
    add("conv2d", [1, 2, 3, 2], filters=2, kernel=[3, 3], strides=4, padding="same")
    add("conv2d", [1, 3, 2, 1], filters=2, kernel=[2, 1], strides=5)
    add("conv2d", [1, 2, 2, 2], filters=1, kernel=[3, 3], dilation=3, padding="same")
    add("conv2d", [3, 4, 4, 1], filters=3, kernel=[3, 3], pads=1, strides=2)
    add("conv2d", [1, 4, 4, 2], filters=2, kernel=[3, 3], pads=[0, 3, 2, 1])
    add("conv2d", [1, 2, 2, 1], filters=1, kernel=[2, 2], pads=[4, 0, 0, 4])
    for name in sorted(ACTIVATIONS):
        add("conv2d", [1, 3, 3, 1], filters=2, kernel=[2, 2], activation=name, padding="same")

    for padding in ("valid", "same", "causal"):
        for strides, dilation in ((1, 1), (2, 1), (3, 1), (1, 2), (1, 3)):
            add("conv1d", [2, 8, 2], filters=2, kernel=3, strides=strides, dilation=dilation,
                padding=padding)
        add("conv1d", [1, 6, 4], filters=4, kernel=2, groups=2, padding=padding)
        add("conv1d", [1, 5, 1], filters=3, kernel=4, padding=padding, bias=False)
    add("conv1d", [1, 3, 2], filters=2, kernel=6, padding="causal", activation="relu")
    add("conv1d", [1, 3, 2], filters=2, kernel=6, padding="same", activation="tanh")
    add("conv1d", [1, 1, 1], filters=1, kernel=1)
    add("conv1d", [1, 6, 2], filters=1, kernel=3, pads=[2, 0], strides=2)
    add("conv1d", [1, 6, 2], filters=1, kernel=3, strides=7, padding="same")

    for padding in ("valid", "same"):
        for strides, kernel in ((1, [3, 3]), (2, [3, 3]), (2, [2, 2]), (3, [2, 2]), (2, [4, 4]),
                                ([2, 3], [3, 4]), (2, [5, 5]), (1, [1, 1])):
            add("conv2d_transpose", [1, 3, 2, 2], filters=2, kernel=kernel, strides=strides,
                padding=padding)
        add("conv2d_transpose", [1, 2, 3, 1], filters=2, kernel=[3, 3], strides=2,
            output_padding=1, padding=padding)
        add("conv2d_transpose", [1, 2, 2, 2], filters=1, kernel=[2, 3], strides=[3, 2],
            output_padding=[2, 0], padding=padding)
        add("conv2d_transpose", [1, 3, 3, 2], filters=2, kernel=[2, 2], dilation=2,
            padding=padding)
        for strides, kernel in ((1, 3), (2, 3), (3, 2), (2, 4)):
            add("conv1d_transpose", [2, 3, 2], filters=3, kernel=kernel, strides=strides,
                padding=padding)
        add("conv1d_transpose", [1, 3, 2], filters=1, kernel=3, strides=2, output_padding=1,
            padding=padding)
    add("conv2d_transpose", [1, 3, 3, 2], filters=2, kernel=[3, 3], strides=2, pads=1)
    add("conv2d_transpose", [1, 3, 3, 2], filters=2, kernel=[3, 3], strides=2, pads=[0, 1, 2, 1],
        output_padding=1, activation="gelu")
    add("conv2d_transpose", [1, 1, 1, 1], filters=1, kernel=[3, 2], activation="relu", bias=False)
    add("conv1d_transpose", [1, 3, 2], filters=2, kernel=2, dilation=2, strides=2)

    for padding in ("valid", "same"):
        for m in (1, 2):
            for strides, dilation in ((1, 1), (2, 1), (1, 2), ([1, 2], 1)):
                add("depthwise_conv2d", [1, 5, 5, 2], kernel=[3, 2], multiplier=m, strides=strides,
                    dilation=dilation, padding=padding)
        add("depthwise_conv1d", [2, 6, 3], kernel=3, multiplier=2, padding=padding, bias=False)
        add("depthwise_conv1d", [1, 6, 2], kernel=2, strides=2, padding=padding)
    add("depthwise_conv1d", [1, 5, 2], kernel=3, dilation=2, padding="causal")
    add("depthwise_conv2d", [1, 2, 2, 1], kernel=[4, 4], multiplier=3, padding="same",
        activation="silu")
    add("depthwise_conv2d", [1, 4, 4, 2], kernel=[3, 3], pads=[1, 0, 0, 2])

    for name in ("max_pool", "avg_pool"):
        for padding in ("valid", "same"):
            for pool, strides in ((2, None), (3, None), (3, 2), ([2, 3], [1, 2]), (2, 3), (1, 2)):
                add(name + "2d", [1, 5, 6, 2], pool=pool, strides=strides, padding=padding)
            for pool, strides in ((2, None), (3, 1), (2, 3)):
                add(name + "1d", [2, 7, 2], pool=pool, strides=strides, padding=padding)
        add(name + "2d", [1, 2, 2, 1], pool=[3, 4], padding="same")
        add(name + "2d", [1, 1, 1, 1], pool=1)
        add(name + "2d", [2, 4, 4, 1], pool=3, strides=2, pads=[1, 1, 0, 2])
        add(name + "1d", [1, 6, 1], pool=3, strides=2, pads=1)
    add("avg_pool2d", [1, 4, 4, 2], pool=3, strides=2, pads=1, count_pads=True)
    add("avg_pool1d", [1, 5, 2], pool=2, pads=[1, 0], count_pads=True)

    for p in ("valid", "same"):
        layer("separable_conv2d", [1, 4, 4, 2], [(3, 3, 2, 1), (1, 1, 2, 3), (3,)], filters=3,
              kernel=3, padding=p)
        layer("separable_conv2d", [1, 5, 4, 2], [(2, 2, 2, 2), (1, 1, 4, 2)], filters=2, kernel=2,
              multiplier=2, strides=2, padding=p, activation="relu", bias=False)
        layer("separable_conv1d", [1, 6, 2], [(3, 2, 1), (1, 2, 3), (3,)], filters=3, kernel=3,
              padding=p, activation="tanh")
    for n, x in (("1d", [2, 4, 3]), ("2d", [2, 3, 2, 3])):
        for name in ("global_avg_pool", "global_max_pool"):
            layer(name + n, x)
            layer(name + n, x, keepdims=True)
    layer("zero_padding1d", [1, 3, 2])
    layer("zero_padding1d", [1, 3, 2], padding=[0, 2])
    layer("zero_padding2d", [1, 2, 3, 1])
    layer("zero_padding2d", [1, 2, 3, 1], padding=[2, 1])
    layer("zero_padding2d", [1, 2, 3, 1], padding=[[0, 1], [3, 2]])
    layer("up_sampling1d", [1, 3, 2], size=3)
    layer("up_sampling2d", [2, 2, 3, 2])
    layer("up_sampling2d", [1, 2, 3, 1], size=[3, 1])
    layer("up_sampling2d", [1, 3, 2, 2], interpolation="bilinear")
    layer("up_sampling2d", [1, 2, 3, 1], size=[3, 2], interpolation="bilinear")
    layer("up_sampling2d", [1, 1, 4, 1], size=[2, 5], interpolation="bilinear")


def weight_shapes(case):
    if "layer" in case:
        return case["w"]
    op, channels = case["op"], case["x"][-1]
    if "pool" in op:
        return []
    kernel = [case["kernel"]] if spatial(case) == 1 else list(case["kernel"])
    if op.startswith("depthwise"):
        shape, n = kernel + [channels, case.get("multiplier", 1)], channels * case.get("multiplier", 1)
    elif "transpose" in op:
        shape, n = kernel + [case["filters"], channels], case["filters"]
    else:
        shape, n = kernel + [channels // case.get("groups", 1), case["filters"]], case["filters"]
    return [shape] + ([[n]] if case.get("bias", True) else [])


# ---- writing -------------------------------------------------------------------------------------

def lua(v):
    if isinstance(v, bool):
        return "true" if v else "false"
    if isinstance(v, str):
        return '"%s"' % v
    if isinstance(v, (list, tuple)):
        return "{ " + ", ".join(lua(i) for i in v) + " }"
    if isinstance(v, dict):
        return "{ " + ", ".join("%s = %s" % (k, lua(v[k])) for k in sorted(v)
                                if v[k] is not None) + " }"
    return str(v)


def numbers(name, a):
    out, line = [], "    %s = {" % name
    for v in np.asarray(a).reshape(-1):
        text = repr(float(v))
        text = text[:-2] if text.endswith(".0") else text
        if len(line) + len(text) + 6 > 100:
            out.append(line)
            line = "     "
        line += " " + text + ","
    return "\n".join(out + [line + " },"])


def same(a, b):
    return a.shape == b.shape and np.all(np.abs(a - b) <= 1e-12 * max(1, np.abs(b).max(initial=0)))


ATTRS = ["strides", "padding", "dilation", "groups", "activation", "pads", "output_padding", "pool",
         "count_pads"]


def emit(i, case, counts):
    x = draw(case["x"], 1000 * i + 1)
    weights = [draw(s, 1000 * i + 2 + j) for j, s in enumerate(weight_shapes(case))]
    gout = draw(run_torch(case, x, weights), 1000 * i + 9)
    y, grads = run_torch(case, x, weights, gout)
    other = run_keras(case, x, weights, gout)
    if other:
        assert same(y, other[0]), ("forward", case)
        for j, (a, b) in enumerate(zip(grads, other[1])):
            assert same(a, b.reshape(a.shape)), ("gradient", j, case, a, b)
    peers = "both" if other else "torch"
    counts[peers] = counts.get(peers, 0) + 1
    kind = case.get("layer") or case["op"]
    options = case["options"] if "layer" in case else {k: case[k] for k in ATTRS if k in case}
    print("  { %s = \"%s\", seed = %d, peers = \"%s\",\n%s\n    inputs = %s,\n    shape = %s,"
          % ("layer" if "layer" in case else "op", kind, 1000 * i, peers,
             textwrap.fill("    attrs = %s," % lua(options), 100, subsequent_indent=" " * 6),
             lua([case["x"]] + [list(s) for s in weight_shapes(case)]), lua(list(y.shape))))
    print(numbers("y", y))
    for j, g in enumerate(grads):
        print(numbers("g%d" % (j + 1), g))
    print("  },")


if __name__ == "__main__":
    grid()
    print("-- Made by spec/parity/conv.py with PyTorch %s and Keras %s on TensorFlow %s, f64."
          % (torch.__version__, keras.__version__, tf.__version__))
    print("-- y, then the gradients of sum(y * upstream) by each input.")
    print("return {")
    counts = {}
    for number, case in enumerate(CASES):
        emit(number + 1, case, counts)
    print("}")
    print(len(CASES), "cases", counts, file=sys.stderr)
