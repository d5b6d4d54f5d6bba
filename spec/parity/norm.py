#!/usr/bin/env python3
"""Writes norm.lua: normalisations, attention and embeddings as PyTorch and Keras compute them.

    python3 spec/parity/norm.py > spec/parity/norm.lua      (PyTorch 2.13, Keras 3.15, TensorFlow 2.21)

All in float64. Inputs are not written: values(seed, ...) below is repeated in the spec, and its
numbers are exact in float32, so that one table serves both float types. Every case holds the result
and the gradients of sum(w * result) with w = values(99, ...).
Channels stand last; where PyTorch wants them second, the axes are turned inside the graph.
"""
import os
import sys

os.environ["KERAS_BACKEND"] = "tensorflow"
os.environ["TF_CPP_MIN_LOG_LEVEL"] = "3"
import numpy as np  # noqa: E402
import torch  # noqa: E402
import torch.nn.functional as F  # noqa: E402
import tensorflow as tf  # noqa: E402
import keras  # noqa: E402

keras.config.set_floatx("float64")
CASES = []


def values(seed, shape, lo=-2.0, hi=2.0):
    """Knuth's MMIX generator, cut to 12 bits."""
    s, out = seed, []
    for _ in range(int(np.prod(shape, dtype=int))):
        s = (s * 6364136223846793005 + 1442695040888963407) % 2**64
        out.append(lo + (hi - lo) * (s >> 52) / 4096)
    return np.array(out, dtype=np.float64).reshape(shape)


def spec(shape, seed, lo=-2.0, hi=2.0, **more):
    return dict(shape=list(shape), seed=seed, lo=lo, hi=hi, **more)


def ids(shape, numbers):
    return dict(shape=list(shape), values=list(numbers), dtype="i32")


def lua(v):
    if isinstance(v, bool):
        return "true" if v else "false"
    if isinstance(v, str):
        return f'"{v}"'
    if isinstance(v, (int, np.integer)):
        return str(int(v))
    if isinstance(v, (float, np.floating)):
        return repr(float(v))
    if isinstance(v, np.ndarray):
        return "{" + ",".join("%.16g" % x for x in v.reshape(-1)) + "}"
    if isinstance(v, (list, tuple)):
        return "{" + ",".join("false" if x is None else lua(x) for x in v) + "}"
    return "{" + ",".join(f"{k}={lua(x)}" for k, x in v.items() if x is not None) + "}"


# ---- PyTorch: ops --------------------------------------------------------------------------------

def op(name, inputs, attrs, fn, peer="torch"):
    """inputs: list of spec(), ids() or None; fn(*tensors) -> tensor, channels last."""
    tensors = []
    for item in inputs:
        if item is None:
            tensors.append(None)
        elif "values" in item:
            tensors.append(torch.tensor(item["values"], dtype=torch.int64).reshape(item["shape"]))
        else:
            t = torch.tensor(values(item["seed"], item["shape"], item["lo"], item["hi"]))
            tensors.append(t.requires_grad_(not item.get("constant", False)))
    y = fn(*tensors)
    w = torch.tensor(values(99, tuple(y.shape)))
    (y * w).sum().backward()
    grads = [None if t is None or t.grad is None else t.grad.numpy() for t in tensors]
    CASES.append(dict(peer=peer, op=name, inputs=inputs, attrs=attrs, shape=list(y.shape),
                      y=y.detach().numpy(), g=grads))


def second(x):
    return x.movedim(-1, 1)


def last(x):
    return x.movedim(1, -1)


def batch_norms():
    shapes = [(5, 3), (4, 1), (2, 4, 3), (1, 4, 2), (2, 2, 3, 4), (1, 2, 5, 1), (9, 8)]
    for i, shape in enumerate(shapes):
        c = (shape[-1],)
        x, gamma, beta = spec(shape, 10 + i), spec(c, 30 + i), spec(c, 50 + i)
        for given, eps in (((None, None), 1e-5), ((gamma, beta), 1e-5), ((gamma, None), 1e-3)):
            op("batch_norm", [x, *given], dict(epsilon=eps),
               lambda a, g, b, e=eps: last(F.batch_norm(second(a), None, None, g, b, True, 0.1, e)))
        mean, var = spec(c, 70 + i, constant=True), spec(c, 80 + i, 0.25, 4.25, constant=True)
        op("batch_norm", [x, gamma, beta, mean, var], dict(epsilon=1e-5),
           lambda a, g, b, m, v: last(F.batch_norm(second(a), m, v, g, b, False, 0.1, 1e-5)))
    op("batch_norm", [spec((8, 2), 5, 1000.0, 1004.0), spec((2,), 6), spec((2,), 7)],
       dict(epsilon=1e-5), lambda a, g, b: F.batch_norm(a, None, None, g, b, True, 0.1, 1e-5))
    # one value per channel, in inference
    op("batch_norm", [spec((1, 3), 8), None, None, spec((3,), 9, constant=True),
                      spec((3,), 10, 0.25, 4.25, constant=True)], dict(epsilon=1e-3),
       lambda a, g, b, m, v: F.batch_norm(a, m, v, None, None, False, 0.1, 1e-3))


def layer_norms():
    for i, (shape, axis) in enumerate([((1, 1), 2), ((1, 5), 2), ((4, 1), 2), ((3, 7), 2),
                                       ((6,), 1), ((2, 17), 2), ((2, 3, 4), 3), ((2, 3, 4), 2),
                                       ((2, 2, 3, 2), 4), ((2, 2, 3, 2), 2), ((2, 1, 9), -2)]):
        first = axis - 1 if axis > 0 else len(shape) + axis
        kept = shape[first:]
        x, gamma, beta = spec(shape, 100 + i), spec(kept, 120 + i), spec(kept, 140 + i)
        op("layer_norm", [x, gamma, beta], dict(axis=axis, epsilon=1e-5),
           lambda a, g, b, k=kept: F.layer_norm(a, k, g, b, 1e-5))
        op("layer_norm", [x], dict(axis=axis, epsilon=1e-3),
           lambda a, k=kept: F.layer_norm(a, k, None, None, 1e-3))
        if i % 2 == 1:
            op("rms_norm", [x, gamma], dict(axis=axis, epsilon=1e-5),
               lambda a, g, k=kept: F.rms_norm(a, k, g, 1e-5))
    op("rms_norm", [spec((3, 4), 160)], dict(epsilon=2.0**-52),
       lambda a: F.rms_norm(a, (4,), None, None))


def group_norms():
    for i, (shape, groups) in enumerate([((2, 4), 2), ((1, 4), 1), ((2, 4, 6), 3), ((2, 3, 6), 6),
                                         ((1, 5, 2), 2), ((2, 2, 2, 18), 2), ((1, 1, 3, 4), 4),
                                         ((2, 3, 3, 1), 1)]):
        c = (shape[-1],)
        inputs = [spec(shape, 200 + i), spec(c, 220 + i), spec(c, 240 + i)]
        op("group_norm", inputs, dict(groups=groups, epsilon=1e-5),
           lambda a, g, b, n=groups: last(F.group_norm(second(a), n, g, b, 1e-5)))


def attention(lead, tq, tk, f, g, seed, attrs, mask=None, bias=None, heads=0):
    inputs = [spec((*lead, tq, f), seed), spec((*lead, tk, f), seed + 1),
              spec((*lead, tk, g), seed + 2)]
    if mask is not None or bias is not None:
        inputs += [mask, bias]

    def split(x):
        return x.unflatten(-1, (heads, -1)).transpose(-2, -3) if heads else x

    def fn(q, k, v, m=None, b=None):
        allowed = None
        if m is not None:
            allowed = m != 0
        if b is not None:
            allowed = b if m is None else b.masked_fill(~allowed, float("-inf"))
        causal = attrs.get("causal", False)
        if causal and allowed is not None:
            tril = torch.ones(tq, tk, dtype=torch.bool).tril()
            allowed = (allowed & tril if allowed.dtype == torch.bool
                       else allowed.masked_fill(~tril, float("-inf")))
            causal = False
        y = F.scaled_dot_product_attention(split(q), split(k), split(v), attn_mask=allowed,
                                           is_causal=causal, scale=attrs.get("scale"))
        return y.transpose(-2, -3).flatten(-2) if heads else y

    op("attention", inputs, dict(attrs, heads=heads) if heads else attrs, fn)


def attentions():
    attention((2,), 3, 4, 2, 3, 300, {})
    attention((1,), 1, 1, 1, 1, 310, {})
    attention((), 2, 5, 3, 1, 320, {})
    attention((2, 2), 3, 3, 2, 2, 330, {"scale": 0.3})
    attention((2,), 4, 4, 2, 2, 340, {"causal": True})
    attention((1,), 5, 3, 2, 2, 350, {"causal": True})
    attention((1,), 3, 5, 2, 2, 360, {"causal": True, "scale": 1.5})
    attention((), 67, 3, 2, 1, 370, {"causal": True})
    attention((2,), 3, 4, 4, 6, 380, {}, heads=2)
    attention((2,), 4, 4, 6, 3, 390, {"causal": True}, heads=3)
    row = ids((3, 4), [1, 0, 1, 1, 0, 0, 0, 0, 0, 1, 1, 0])  # the second query sees nothing
    attention((2,), 3, 4, 2, 3, 400, {}, mask=row)
    attention((2,), 3, 4, 4, 2, 410, {}, mask=row, heads=2)
    attention((2,), 3, 4, 4, 2, 420, {"causal": True}, heads=2,
              mask=ids((2, 1, 1, 4), [1, 1, 0, 1, 0, 1, 1, 1]))
    attention((1,), 2, 3, 2, 2, 430, {}, mask=ids((2, 3), [0] * 6))
    attention((2,), 3, 4, 2, 3, 440, {}, bias=spec((3, 4), 441 + 4))
    attention((2,), 3, 4, 4, 2, 450, {}, bias=spec((2, 1, 4), 456), heads=2)
    attention((2,), 3, 4, 4, 2, 460, {"causal": True}, bias=spec((2, 2, 3, 1), 466), mask=row,
              heads=2)


def embeddings():
    for i, (table, shape, numbers, padding) in enumerate([
            ((4, 3), (6,), [0, 3, 3, 1, 0, 3], None), ((1, 2), (2, 1), [0, 0], None),
            ((5, 1), (2, 2), [4, 0, 4, 2], 0), ((6, 4), (2, 1, 2), [5, 5, 1, 5], 5)]):
        attrs = {} if padding is None else {"padding": padding}
        op("embedding", [spec(table, 500 + i), ids(shape, numbers)], attrs,
           lambda t, k, p=padding: F.embedding(k, t, padding_idx=p))


# ---- Keras: layers -------------------------------------------------------------------------------

def layer(kind, options, made, shape, names, batch=2, training=False, seed=600, inputs=None,
          fixed=None, call=None):
    """names: our parameter name -> Keras variable; the variables get values(seed + 10 + i)."""
    x = [tf.constant(values(seed, (batch, *shape)))] if inputs is None else [
        tf.constant(values(seed + i, (batch, *s))) for i, s in enumerate(inputs)]
    if fixed is not None:
        x = [tf.constant(np.array(fixed["values"]).reshape(fixed["shape"]), dtype="int32")]
    call = call or (lambda a: made(a[0], training=training))
    with tf.GradientTape() as tape:
        call(x)  # builds
    parameters = names(made)
    spread = 0.5 if kind == "multi_head_attention" else 2.0  # no saturated softmax
    for i, (name, variable) in enumerate(parameters.items()):
        lo, hi = (0.25, 4.25) if name == "moving_variance" else (-spread, spread)
        variable.assign(values(seed + 10 + i, tuple(variable.shape), lo, hi))
    before = {n: v.numpy() for n, v in parameters.items() if not v.trainable}
    with tf.GradientTape() as tape:
        tape.watch([a for a in x if a.dtype == tf.float64])
        y = call(x)
        total = tf.reduce_sum(y * values(99, tuple(y.shape)))
    learnt = {n: v.value for n, v in parameters.items() if v.trainable}
    gx, gw = tape.gradient(total, (x, learnt))
    after = {n: v.numpy() for n, v in parameters.items() if not v.trainable}
    CASES.append(dict(
        peer="keras", layer=kind, options=options, batch=batch, seed=seed, training=training,
        sample=list(shape) if inputs is None else [list(s) for s in inputs], fixed=fixed,
        names=list(parameters), shape=list(y.shape), y=y.numpy(),
        gx=[None if g is None else g.numpy() for g in gx],
        gw={n: tf.convert_to_tensor(g).numpy() for n, g in gw.items() if g is not None},
        moved=after if any((after[n] != before[n]).any() for n in after) else None))


def attributes(*names):
    return lambda made: {n: getattr(made, n) for n in names if getattr(made, n) is not None}


def keras_norms():
    n = attributes("gamma", "beta", "moving_mean", "moving_variance")
    for i, (batch, shape, axis) in enumerate([(4, (3,), -1), (1, (3,), -1), (5, (1,), -1),
                                              (2, (4, 3), -1), (2, (4, 3), 1), (1, (2, 2, 3), -1),
                                              (2, (3, 2, 2), 1), (3, (2, 1, 2), 2)]):
        for training in (True, False):
            options = {} if axis == -1 else {"axis": axis + 1}
            layer("batch_norm", options, keras.layers.BatchNormalization(axis=axis), shape, n, batch,
                  training, 600 + i)
    layer("batch_norm", {"center": False, "momentum": 0.5, "epsilon": 0.01},
          keras.layers.BatchNormalization(center=False, momentum=0.5, epsilon=0.01), (3,), n, 4,
          True, 620)
    layer("batch_norm", {"scale": False}, keras.layers.BatchNormalization(scale=False), (3,), n, 4,
          True, 621)
    frozen = keras.layers.BatchNormalization(trainable=False)
    layer("batch_norm", {"trainable": False}, frozen, (3,), n, 4, True, 622)
    n = attributes("gamma", "beta")
    for i, (batch, shape, axis) in enumerate([(3, (4,), -1), (1, (1,), -1), (2, (3, 4), -1),
                                              (2, (3, 4), 1), (2, (3, 4), [1, 2]),
                                              (1, (2, 3, 2), [1, 3]), (2, (2, 3, 2), 2),
                                              (2, (2, 2, 3), [-1, -2])]):
        ours = [a + 1 if a > 0 else a for a in (axis if isinstance(axis, list) else [axis])]
        layer("layer_norm", {"axis": ours}, keras.layers.LayerNormalization(axis=axis), shape, n,
              batch, True, 640 + i)
    layer("layer_norm", {"center": False, "scale": False},
          keras.layers.LayerNormalization(center=False, scale=False), (5,), n, 3, True, 660)
    for i, (batch, shape, groups, axis) in enumerate([(2, (4,), 2, -1), (1, (32,), 32, -1),
                                                      (2, (3, 6), 3, -1), (2, (6, 3), 2, 1),
                                                      (2, (2, 2, 4), -1, -1), (1, (2, 2, 2), 1, 2)]):
        options = {"groups": groups}
        if axis != -1:
            options["axis"] = axis + 1
        layer("group_norm", options, keras.layers.GroupNormalization(groups=groups, axis=axis), shape,
              n, batch, True, 680 + i)
    n = lambda made: {"gamma": made.scale}  # noqa: E731
    for i, (batch, shape, axis) in enumerate([(3, (4,), -1), (1, (1,), -1), (2, (3, 4), 2),
                                              (2, (3, 4), [1, 2]), (2, (2, 3, 2), -1)]):
        ours = [a + 1 if a > 0 else a for a in (axis if isinstance(axis, list) else [axis])]
        layer("rms_norm", {"axis": ours}, keras.layers.RMSNormalization(axis=axis), shape, n, batch,
              True, 700 + i)


def keras_attention():
    def names(made):
        out = {}
        for part in ("query", "key", "value", "output"):
            dense = getattr(made, f"_{part}_dense")
            out[f"{part}_kernel"] = dense.kernel
            if dense.bias is not None:
                out[f"{part}_bias"] = dense.bias
        return out

    def attend(i, options, batch, inputs, mask=None, **more):
        causal = options.get("causal", False)
        made = keras.layers.MultiHeadAttention(options["num_heads"], options["key_dim"], **more)
        allowed = None if mask is None else np.array(mask["values"]).reshape(mask["shape"]) != 0

        def call(x):
            q, v, k = (x + x + x)[:3] if len(x) == 1 else (x[0], x[1], x[2] if len(x) > 2 else x[1])
            return made(q, v, k, attention_mask=allowed, use_causal_mask=causal)

        layer("multi_head_attention", options, made, inputs[0], names, batch, False, 740 + 20 * i,
              inputs, call=call)
        CASES[-1]["mask"] = mask

    # Keras rounds 1 / sqrt(key_dim) to float32 even here: only powers of 4 are comparable.
    two = dict(num_heads=2, key_dim=4)
    attend(0, two, 2, [(3, 4)])
    attend(1, dict(two, causal=True), 2, [(4, 2)])
    attend(2, dict(num_heads=1, key_dim=4), 1, [(1, 2)])
    attend(3, dict(two, value_dim=1, bias=False), 1, [(3, 2)], value_dim=1, use_bias=False)
    attend(4, dict(two, output_dim=5), 1, [(2, 3)], output_shape=5)
    attend(5, dict(num_heads=3, key_dim=1), 2, [(2, 3), (4, 2)])
    attend(6, two, 1, [(2, 3), (4, 2), (4, 1)])
    row = ids((2, 3, 3), [1, 0, 1, 0, 0, 0, 1, 1, 1, 1, 1, 1, 0, 1, 0, 0, 0, 0])
    none = ids((1, 2, 3), [0] * 6)
    attend(7, two, 2, [(3, 2), (3, 2)], row)
    attend(8, dict(two, causal=True), 2, [(3, 2), (3, 2)], row)
    attend(9, dict(num_heads=1, key_dim=4), 1, [(2, 2), (3, 2)], none)
    # With dropout Keras takes another path, where a query without a key gets zeros.
    attend(10, dict(two, dropout=0.5), 2, [(3, 2), (3, 2)], row, dropout=0.5)
    attend(11, dict(two, dropout=0.5, causal=True), 2, [(3, 2), (3, 2)], row, dropout=0.5)


def keras_embeddings():
    n = lambda made: {"embeddings": made.embeddings}  # noqa: E731
    for i, (table, shape, numbers) in enumerate([((4, 3), (2, 3), [0, 3, 3, 1, 0, 3]),
                                                 ((3, 1), (1, 1), [2]),
                                                 ((5, 2), (2, 2, 2), [4, 0, 4, 2, 4, 4, 1, 1])]):
        layer("embedding", {"input_dim": table[0], "output_dim": table[1]},
              keras.layers.Embedding(*table), shape[1:], n, shape[0], False, 1200 + 20 * i,
              fixed=dict(shape=list(shape), values=numbers))


# ---- moving statistics after three training steps ------------------------------------------------

def moving():
    for i, shape in enumerate([(4, 3), (2, 1), (3, 2, 2), (2, 2, 1, 3), (1, 4, 2)]):
        steps = [1000 + 10 * i + s for s in range(3)]
        made = keras.layers.BatchNormalization()
        theirs = {2: torch.nn.BatchNorm1d, 3: torch.nn.BatchNorm1d, 4: torch.nn.BatchNorm2d}[
            len(shape)](shape[-1], dtype=torch.float64)
        for seed in steps:
            made(tf.constant(values(seed, shape)), training=True)
            theirs(second(torch.tensor(values(seed, shape))))
        for peer, mean, var in (
                ("keras", made.moving_mean.numpy(), made.moving_variance.numpy()),
                ("torch", theirs.running_mean.numpy(), theirs.running_var.numpy())):
            CASES.append(dict(peer=peer, moving=steps, shape=list(shape), mean=mean, variance=var))
    theirs = torch.nn.BatchNorm1d(3, momentum=0.25, dtype=torch.float64)
    made = keras.layers.BatchNormalization(momentum=0.25)
    for seed in (1100, 1101, 1102):
        theirs(torch.tensor(values(seed, (5, 3))))
        made(tf.constant(values(seed, (5, 3))), training=True)
    more = dict(moving=[1100, 1101, 1102], shape=[5, 3], momentum=0.25)
    CASES.append(dict(peer="torch", mean=theirs.running_mean.numpy(),
                      variance=theirs.running_var.numpy(), **more))
    CASES.append(dict(peer="keras", mean=made.moving_mean.numpy(),
                      variance=made.moving_variance.numpy(), **more))


batch_norms()
layer_norms()
group_norms()
attentions()
embeddings()
keras_norms()
keras_attention()
keras_embeddings()
moving()
print(f"-- Written by norm.py beside it (PyTorch {torch.__version__.split('+')[0]}, "
      f"Keras {keras.__version__}, TensorFlow {tf.__version__}); not by hand.")
print("-- luacheck: no max line length")
print("return {")
for case in CASES:
    print("  " + lua(case) + ",")
print("}")
print(f"{len(CASES)} cases", file=sys.stderr)
