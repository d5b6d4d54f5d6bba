#!/usr/bin/env python3
"""Writes recurrent.lua: outputs and all gradients of recurrent layers in float64, by Keras 3
(TensorFlow backend) and PyTorch.

    KERAS_BACKEND=tensorflow python3 spec/parity/recurrent.py > spec/parity/recurrent.lua

Arrays that go in are a fixed sequence, scaled (see `draw`), so that only what comes out is stored.
The scalar differentiated is sum(w * y) + sum(v * state) with weights of the same sequence.
"""
import os

os.environ.setdefault("KERAS_BACKEND", "tensorflow")
os.environ["TF_CPP_MIN_LOG_LEVEL"] = "3"
os.environ["CUDA_VISIBLE_DEVICES"] = ""

import keras  # noqa: E402
import numpy as np  # noqa: E402
import tensorflow as tf  # noqa: E402
import torch  # noqa: E402

keras.config.set_floatx("float64")
GATES = {"simple_rnn": 1, "lstm": 4, "gru": 3}
CLASSES = {"simple_rnn": keras.layers.SimpleRNN, "lstm": keras.layers.LSTM,
           "gru": keras.layers.GRU}


def draw(seed, shape, scale):
    """Park and Miller's generator, exact in every language; values exact in float32."""
    s, values = seed * 7919 + 1, []
    for _ in range(int(np.prod(shape))):
        s = s * 48271 % 2147483647
        values.append((s % 4096 - 2048) / 2048 * scale)
    return np.array(values, dtype=np.float64).reshape(shape)


def shapes(c, features):
    width, units = GATES[c["kind"]] * c["units"], c["units"]
    two = c["peer"] == "torch" or c["kind"] == "gru" and c["options"].get("reset_after", True)
    result = [(features, width), (units, width)]
    if c["options"].get("bias", True):
        result.append((2, width) if two else (width,))
    return result


def options_of(c):
    given = {k: v for k, v in c["options"].items() if k != "bias"}
    given["use_bias"] = c["options"].get("bias", True)
    return given


def inputs_of(c):
    batch, time, features = c["x"]
    x = draw(1, c["x"], 1)
    weights = []
    for i in range(2 if c.get("merge_mode") else 1):
        weights += [draw(10 + 3 * i + j, s, 0.5) for j, s in enumerate(shapes(c, features))]
    states = []
    if c.get("states"):
        n = (2 if c["kind"] == "lstm" else 1) * (2 if c.get("merge_mode") else 1)
        states = [draw(30 + i, (batch, c["units"]), 1) for i in range(n)]
    mask = np.array(c["mask"]).reshape(batch, time) if c.get("mask") else None
    return x, weights, states, mask


def by_keras(c):
    x, weights, states, mask = inputs_of(c)
    layer = CLASSES[c["kind"]](c["units"], **options_of(c))
    if c.get("merge_mode"):
        layer = keras.layers.Bidirectional(layer, merge_mode=c["merge_mode"])
    layer.build(x.shape)
    layer.set_weights(weights)
    x, states = tf.constant(x), [tf.constant(s) for s in states]
    kwargs = {}
    if mask is not None:
        kwargs["mask"] = tf.constant(mask != 0)
    if states:
        kwargs["initial_state"] = states
    with tf.GradientTape() as tape:
        tape.watch([x] + states)
        out = layer(x, **kwargs)
        out = list(out) if isinstance(out, (list, tuple)) else [out]
        loss = sum(tf.reduce_sum(o * draw(50 + i, o.shape, 1)) for i, o in enumerate(out))
    wanted = [x] + [w.value for w in layer.trainable_weights] + states
    grads = tape.gradient(loss, wanted, unconnected_gradients="zero")
    return [o.numpy() for o in out], [tf.convert_to_tensor(g).numpy() for g in grads]


def reorder(a, units, order):
    """Blocks of units along the last axis in another order."""
    return np.concatenate([a[..., i * units:(i + 1) * units] for i in order], axis=-1)


def by_torch(c):
    """torch's rows of gates are our columns: LSTM i f g o as here, GRU r z n for z r n."""
    x, weights, states, _ = inputs_of(c)
    units, kind = c["units"], c["kind"]
    order = [1, 0, 2] if kind == "gru" else range(GATES[kind])
    names = {"simple_rnn": torch.nn.RNN, "lstm": torch.nn.LSTM, "gru": torch.nn.GRU}
    net = names[kind](x.shape[2], units, batch_first=True, dtype=torch.float64,
                      bidirectional=bool(c.get("merge_mode")))
    with torch.no_grad():
        for i, suffix in enumerate(["", "_reverse"][:1 + bool(c.get("merge_mode"))]):
            kernel, recurrent, bias = [reorder(w, units, order) for w in weights[3*i:3*i+3]]
            parts = {"weight_ih": kernel.T, "weight_hh": recurrent.T, "bias_ih": bias[0],
                     "bias_hh": bias[1]}
            for name, value in parts.items():
                getattr(net, f"{name}_l0{suffix}").copy_(torch.tensor(value))
    x = torch.tensor(x, requires_grad=True)
    states = [torch.tensor(s, requires_grad=True) for s in states]
    if kind == "lstm":
        first = (torch.stack(states[0::2]), torch.stack(states[1::2])) if states else None
    else:
        first = torch.stack(states) if states else None
    y, last = net(x, first)
    out = [y]
    if c["options"].get("return_state"):
        last = last if kind == "lstm" else (last,)
        out += [s[i] for i in range(last[0].shape[0]) for s in last]
    sum((o * torch.tensor(draw(50 + i, o.shape, 1))).sum() for i, o in enumerate(out)).backward()
    grads = [x.grad]
    for suffix in ["", "_reverse"][:1 + bool(c.get("merge_mode"))]:
        def grad(name):
            g = getattr(net, f"{name}_l0{suffix}").grad.numpy()
            return reorder(g.T, units, order)
        grads += [grad("weight_ih"), grad("weight_hh")]
        grads.append(np.stack([grad("bias_ih"), grad("bias_hh")]))
    grads += [s.grad for s in states]
    return [o.detach().numpy() for o in out], [np.asarray(g) for g in grads]


GAPS = [0, 1, 0, 1, 0, 0, 0, 0, 1, 1, 0, 0]  # late start and a gap; never; early end


def cases():
    seq = {"return_sequences": True}
    all_out = {"return_sequences": True, "return_state": True}
    variants = [("simple_rnn", {}), ("lstm", {}), ("gru", {}), ("gru", {"reset_after": False})]
    for kind, base in variants:
        def case(x, units, given, **more):
            return dict(kind=kind, x=x, units=units, options={**base, **given}, peer="keras",
                        **more)
        yield case([2, 3, 3], 2, {})
        yield case([2, 3, 3], 2, seq)
        yield case([1, 4, 2], 3, seq)
        yield case([3, 1, 2], 2, seq, states=True)
        yield case([1, 1, 1], 1, all_out, states=True)
        yield case([2, 3, 2], 2, {"go_backwards": True})
        yield case([2, 3, 2], 2, {"go_backwards": True, **all_out}, states=True)
        yield case([2, 3, 2], 3, {"bias": False, **all_out})
        yield case([3, 4, 2], 2, {}, mask=GAPS)
        yield case([3, 4, 2], 2, all_out, mask=GAPS, states=True)
        yield case([3, 4, 2], 2, {"return_state": True}, mask=GAPS, states=True)
        yield case([3, 4, 2], 2, {"go_backwards": True, **all_out}, mask=GAPS, states=True)
        yield case([3, 4, 2], 2, {"zero_output_for_mask": True, **all_out}, mask=GAPS,
                   states=True)
        yield case([2, 3, 2], 2, all_out, mask=[0] * 6, states=True)
        yield case([2, 2, 1], 2, {"activation": "relu", **seq}, states=True)
        gates = {"activation": "softsign"}
        if kind != "simple_rnn":
            gates["recurrent_activation"] = "hard_sigmoid"
        yield case([2, 3, 2], 2, {**gates, **seq})
        yield case([5, 7, 4], 9, all_out, states=True)
        for merge in ["concat", "sum", "mul", "ave"]:
            yield case([2, 3, 2], 2, seq, merge_mode=merge)
        yield case([2, 3, 2], 2, {}, merge_mode="concat")
        yield case([3, 4, 2], 2, {"return_state": True, **seq}, merge_mode="sum", mask=GAPS,
                   states=True)
        yield case([3, 4, 2], 2, {}, merge_mode="mul", mask=GAPS)
    for kind in GATES:
        for x, units, merge in [([2, 3, 2], 3, None), ([1, 5, 1], 2, None),
                                ([2, 4, 3], 2, "concat")]:
            c = dict(kind=kind, x=x, units=units, options={**all_out, "flavor": "torch"},
                     peer="torch", states=True)
            if merge:
                c["merge_mode"] = merge
            yield c


def lua(value):
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, (int, str)):
        return f'"{value}"' if isinstance(value, str) else str(value)
    if isinstance(value, dict):
        return "{ " + ", ".join(f"{k} = {lua(v)}" for k, v in value.items()) + " }"
    if isinstance(value, np.ndarray):
        assert np.isfinite(value).all()
        return "{" + ",".join(repr(float(v)) for v in value.ravel()) + "}"
    return "{" + ",".join(lua(v) for v in value) + "}"


print("-- luacheck: no max line length\n-- Written by recurrent.py beside it "
      f"(Keras {keras.__version__}, TensorFlow {tf.__version__}, PyTorch {torch.__version__}); "
      "not by hand.")
print("return {")
for c in cases():
    out, grads = by_keras(c) if c["peer"] == "keras" else by_torch(c)
    print(f"  {{ case = {lua(c)},\n    out = {lua(out)}, grads = {lua(grads)} }},")
print("}")
