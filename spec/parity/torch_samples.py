#!/usr/bin/env python3
"""Writes torch_samples.safetensors: PyTorch's own samples of the operators that exist here, too.

    python3 spec/parity/torch_samples.py --out spec/parity/torch_samples.safetensors

Samples are those of torch.testing._internal.common_methods_invocations (op_db) in float64, each
input rounded to float32 so that both float types start from the same numbers. Results and the
gradients of sum(w * result) are float64; w is drawn by the generator that spec/support/draw.lua
repeats, from the number of the sample. Where PyTorch's own float32 is off by more than 1e-5, `f32`
says by how much. Three pools of numbers (inputs, results, integers), and the
samples as JSON in the metadata: a tensor is [pool, offset, shape...]. Needs the Python package
expecttest, which PyTorch's test code imports.
"""
import argparse
import json
import warnings

warnings.simplefilter("ignore")
import numpy as np
import torch
from safetensors.numpy import save_file
from torch.testing._internal.common_methods_invocations import op_db

from golden import draw

# name or name|variant of op_db
WANTED = """
add sub mul div|no_rounding_mode true_divide pow float_power maximum minimum max|binary min|binary
rsub __radd__ __rmul__ __rsub__ __rdiv__ __rpow__ __rmatmul__
eq ne lt le gt ge where
neg exp expm1 log log1p sqrt square abs sign sin cos tan reciprocal floor erf tanh sigmoid clamp
clamp_min clamp_max positive clone contiguous rsqrt double float int
nn.functional.relu nn.functional.relu6 nn.functional.leaky_relu nn.functional.elu
nn.functional.celu nn.functional.selu nn.functional.gelu nn.functional.silu nn.functional.mish
nn.functional.softplus nn.functional.softsign nn.functional.hardsigmoid nn.functional.hardswish
nn.functional.logsigmoid nn.functional.prelu nn.functional.hardtanh
softmax softmax|with_dtype nn.functional.softmin log_softmax log_softmax|with_dtype logsumexp
sum mean prod amax amin max|reduction_with_dim max|reduction_no_dim min|reduction_with_dim
min|reduction_no_dim var var|unbiased std std|unbiased argmax argmin norm|fro linalg.vector_norm
reshape view flatten unflatten transpose permute T mT t expand broadcast_to expand_as squeeze
squeeze|multiple unsqueeze flip fliplr flipud narrow select chunk split unbind movedim
cat stack constant_pad_nd nn.functional.pad|constant index_select nn.functional.embedding
nn.functional.one_hot
matmul mm bmm mv dot addmm nn.functional.linear
nn.functional.conv1d nn.functional.conv2d nn.functional.conv_transpose1d
nn.functional.conv_transpose2d nn.functional.max_pool1d nn.functional.max_pool2d
nn.functional.avg_pool1d nn.functional.avg_pool2d
nn.functional.layer_norm nn.functional.rms_norm nn.functional.group_norm nn.functional.batch_norm
nn.functional.instance_norm nn.functional.scaled_dot_product_attention
nn.functional.mse_loss nn.functional.l1_loss nn.functional.huber_loss
nn.functional.smooth_l1_loss nn.functional.cross_entropy nn.functional.nll_loss
nn.functional.binary_cross_entropy nn.functional.binary_cross_entropy_with_logits
nn.functional.kl_div nn.functional.cosine_similarity
""".split()
MOST_ELEMENTS = 2000
MOST_SAMPLES = 180  # of one operator, taken evenly from its list

POOLS = {"inputs": [], "results": [], "integers": []}
LETTERS = {"inputs": "i", "results": "r", "integers": "n"}
SIZES = dict.fromkeys(POOLS, 0)


class Unfit(Exception):
    """Why a sample is left out."""


def keep(pool, tensor):
    a = tensor.detach().cpu().contiguous().numpy().reshape(-1)
    at = SIZES[pool]
    POOLS[pool].append(a)
    SIZES[pool] += a.size
    return [LETTERS[pool], at, *tensor.shape]


class Arguments:
    """Fresh leaves of a sample, and the sample as JSON."""

    def __init__(self, dtype):
        self.dtype = dtype
        self.leaves = []
        self.elements = 0

    def keep(self, pool, t):
        return keep(pool, t) if self.dtype == torch.float64 else None

    def tensor(self, t):
        if t.is_complex():
            raise Unfit("complex numbers")
        if t.layout != torch.strided:
            raise Unfit("sparse tensors")
        self.elements += t.numel()
        if self.elements > MOST_ELEMENTS:
            raise Unfit("more than %d elements" % MOST_ELEMENTS)
        if not t.is_floating_point():
            return t.clone(), {"t": self.keep("integers", t.to(torch.int32)),
                               **({"bool": True} if t.dtype == torch.bool else {})}
        fresh = t.detach().to(torch.float32).to(self.dtype).clone()
        ref = {"t": self.keep("inputs", fresh.to(torch.float32))}
        if t.requires_grad:
            fresh.requires_grad_()
            self.leaves.append(fresh)
            ref["grad"] = len(self.leaves)
        return fresh, ref

    def value(self, v):
        if isinstance(v, torch.Tensor):
            return self.tensor(v)
        if isinstance(v, (list, tuple)):
            both = [self.value(i) for i in v]
            return type(v)(b[0] for b in both), {"list": [b[1] for b in both]}
        if isinstance(v, torch.dtype):
            if v not in (torch.float64, torch.float32):
                raise Unfit("other float types and integers asked for")
            return self.dtype, "float64"
        if isinstance(v, complex):
            raise Unfit("complex numbers")
        if isinstance(v, float) and (v != v or abs(v) == float("inf")):
            return v, {"number": repr(v)}
        if v is None or isinstance(v, (bool, int, float, str)):
            return v, {"none": True} if v is None else v
        raise Unfit("arguments of type " + type(v).__name__)


def evaluate(op, sample, number, dtype):
    """Results, gradients of the leaves (None without any), and the arguments as JSON."""
    given = Arguments(dtype)
    x, x_ref = given.value(sample.input)
    args = [given.value(a) for a in sample.args]
    kwargs = {k: given.value(v) for k, v in sample.kwargs.items()}
    out = op(x, *[a[0] for a in args], **{k: v[0] for k, v in kwargs.items()})
    out = list(out) if isinstance(out, (list, tuple)) else [out]
    if any(not isinstance(o, torch.Tensor) or o.is_complex() for o in out):
        raise Unfit("complex numbers")
    if sum(o.numel() for o in out) > MOST_ELEMENTS:
        raise Unfit("more than %d elements" % MOST_ELEMENTS)
    total, grads = 0, None
    for i, o in enumerate(out):
        if o.is_floating_point() and o.requires_grad:
            total = total + (o * torch.tensor(draw(o.shape, number + i), dtype=o.dtype)).sum()
    if given.leaves and isinstance(total, torch.Tensor):
        grads = torch.autograd.grad(total, given.leaves, allow_unused=True)
        grads = [torch.zeros_like(v) if g is None else g for v, g in zip(given.leaves, grads)]
    return out, grads, {"args": [x_ref] + [a[1] for a in args],
                        "kwargs": {k: v[1] for k, v in kwargs.items()}}


def own_error(op, sample, number, expected):
    """What PyTorch's float32 is off from its float64, relative to the scale of each tensor."""
    out, grads, _ = evaluate(op, sample, number, torch.float32)
    worst = 0.0
    for a, b in zip(expected, out + (grads or [])):
        if a.is_floating_point() and a.numel() > 0:
            off = (a.detach() - b.detach().to(torch.float64)).abs().max().item()
            if off > 0:
                worst = max(worst, off / max(a.detach().abs().max().item(), 1e-300))
    return worst


def run(op, sample, number):
    out, grads, row = evaluate(op, sample, number, torch.float64)
    row["seed"] = number
    row["out"] = [keep("results", o.to(torch.float64)) if o.is_floating_point()
                  else keep("integers", o.to(torch.int32)) for o in out]
    if grads:
        row["grads"] = [keep("results", g) for g in grads]
    off = own_error(op, sample, number, out + (grads or []))
    if off == off and 1e-5 < off < 1:
        row["f32"] = float("%.1e" % off)
    return row


def collect():
    known = {o.name + ("|" + o.variant_test_name if o.variant_test_name else ""): o for o in op_db}
    rows, left_out, number = [], {}, 0
    for name in WANTED:
        torch.manual_seed(0)
        info = known[name]
        real = torch.float64 in info.dtypes
        samples = list(info.sample_inputs("cpu", torch.float64 if real else torch.int64,
                                          requires_grad=real and info.supports_autograd))
        reasons = {}
        if len(samples) > MOST_SAMPLES:
            reasons["taken evenly from more than %d samples" % MOST_SAMPLES] = (
                len(samples) - MOST_SAMPLES)
            samples = [samples[i * len(samples) // MOST_SAMPLES] for i in range(MOST_SAMPLES)]
        fit = []
        for sample in samples:
            number += 10
            before = {p: (len(POOLS[p]), SIZES[p]) for p in POOLS}
            try:
                fit.append(dict(run(info.op, sample, number), op=name))
            except Unfit as e:
                for p, (n, size) in before.items():
                    del POOLS[p][n:]
                    SIZES[p] = size
                reasons[str(e)] = reasons.get(str(e), 0) + 1
        if reasons:
            left_out[name] = reasons
        rows += fit
    return rows, left_out


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--out", required=True)
    given = parser.parse_args()
    rows, left_out = collect()
    types = {"inputs": np.float32, "results": np.float64, "integers": np.int32}
    pools = {p: np.concatenate(POOLS[p]).astype(types[p]) for p in POOLS}
    save_file(pools, given.out, {
        "made_by": "spec/parity/torch_samples.py, PyTorch " + torch.__version__.split("+")[0],
        "samples": json.dumps(rows, separators=(",", ":")),
        "left_out": json.dumps(left_out, separators=(",", ":"), sort_keys=True)})
    counts = {}
    for row in rows:
        counts[row["op"]] = counts.get(row["op"], 0) + 1
    print(len(rows), counts, left_out)


if __name__ == "__main__":
    main()
