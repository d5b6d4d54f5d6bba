"""JAX: one jitted step with donated state; the optimisers are PyTorch's formulas by hand."""
import sys

from peer_child import initial, pinned, serve

pinned(int(sys.argv[2]))
import os  # noqa: E402

os.environ["JAX_PLATFORMS"] = "cpu"
if int(sys.argv[2]) == 1:
    os.environ["XLA_FLAGS"] = "--xla_cpu_multi_thread_eigen=false"
import jax  # noqa: E402
import jax.numpy as jnp  # noqa: E402
from jax import lax  # noqa: E402

relu, sigmoid = jax.nn.relu, jax.nn.sigmoid


def crossentropy(logits, ids):
    logits, ids = logits.reshape(-1, logits.shape[-1]), ids.reshape(-1)
    chosen = jnp.take_along_axis(logits, ids[:, None], 1)[:, 0]
    return jnp.mean(jax.nn.logsumexp(logits, 1) - chosen)


def conv(x, w, padding="VALID", groups=1):
    return lax.conv_general_dilated(x, w, (1, 1), padding, feature_group_count=groups,
                                    dimension_numbers=("NHWC", "HWIO", "NHWC"))


def pool(x):
    return lax.reduce_window(x, -jnp.inf, lax.max, (1, 2, 2, 1), (1, 2, 2, 1), "VALID")


def batch_norm(x, gamma, beta, moving):
    axes = tuple(range(x.ndim - 1))
    mean, var = x.mean(axes), x.var(axes)
    n = x.size // x.shape[-1]
    moving = (0.9 * moving[0] + 0.1 * mean, 0.9 * moving[1] + 0.1 * var * n / (n - 1))
    return (x - mean) * lax.rsqrt(var + 1e-5) * gamma + beta, moving


def layer_norm(x, gamma, beta):
    mean, var = x.mean(-1, keepdims=True), x.var(-1, keepdims=True)
    return (x - mean) * lax.rsqrt(var + 1e-5) * gamma + beta


def mlp(act):
    def model(p, state, xs, key):
        x = xs[0]
        for i in range(0, len(p) - 2, 2):
            x = act(x @ p[i] + p[i + 1])
        return x @ p[-2] + p[-1], state
    return model


def digits(p, state, xs, key):
    x = pool(relu(conv(xs[0], p[0]) + p[1]))
    x = pool(relu(conv(x, p[2]) + p[3]))
    x = relu(x.reshape(x.shape[0], -1) @ p[4] + p[5])
    return x @ p[6] + p[7], state


def tagger(p, state, xs, key):
    kernel, recurrent, bias = p[:3]
    gates = jnp.swapaxes(xs[0], 0, 1) @ kernel + bias

    def cell(carry, z):
        h, c = carry
        i, f, g, o = jnp.split(z + h @ recurrent, 4, -1)
        c = sigmoid(f) * c + sigmoid(i) * jnp.tanh(g)
        h = sigmoid(o) * jnp.tanh(c)
        return (h, c), h

    zero = jnp.zeros((xs[0].shape[0], 256))
    _, hs = lax.scan(cell, (zero, zero), gates)
    return jnp.swapaxes(hs, 0, 1) @ p[3] + p[4], state


def gru(x, h, kernel, recurrent, bias):
    inputs = jnp.swapaxes(x, 0, 1) @ kernel + bias[0]

    def cell(h, a):
        az, ar, an = jnp.split(a, 3, -1)
        bz, br, bn = jnp.split(h @ recurrent + bias[1], 3, -1)
        z = sigmoid(az + bz)
        h = z * h + (1 - z) * jnp.tanh(an + sigmoid(ar + br) * bn)
        return h, h

    return lax.scan(cell, h, inputs)


def pair(p, state, xs, key):
    h, _ = gru(xs[0], jnp.zeros((32, 128)), *p[:3])
    _, hs = gru(xs[1], h, *p[3:6])
    return jnp.swapaxes(hs, 0, 1) @ p[6] + p[7], state


def gpt(p, state, xs, key):
    x = p[0][xs[0]] + p[1]
    for i in range(4):
        q = p[2 + 16 * i:18 + 16 * i]
        h = layer_norm(x, q[0], q[1])
        qkv = [jnp.einsum("btc,chd->bthd", h, q[2 + 2 * j]) + q[3 + 2 * j] for j in range(3)]
        a = jax.nn.dot_product_attention(*qkv, is_causal=True)
        x = x + jnp.einsum("bthd,hdc->btc", a, q[8]) + q[9]
        h = layer_norm(x, q[10], q[11])
        x = x + jax.nn.gelu(h @ q[12] + q[13], approximate=False) @ q[14] + q[15]
    return layer_norm(x, p[-3], p[-2]) @ p[-1], state


def normed(p, state, xs, key):
    x, first = batch_norm(xs[0] @ p[0] + p[1], p[2], p[3], state[0])
    x = relu(x)
    x = jnp.where(jax.random.bernoulli(key, 0.5, x.shape), x / 0.5, 0)
    x, second = batch_norm(x @ p[4] + p[5], p[6], p[7], state[1])
    return relu(x) @ p[8] + p[9], [first, second]


def depthwise(p, state, xs, key):
    x, moving = relu(conv(xs[0], p[0], "SAME") + p[1]), []
    for i in range(3):
        q = p[2 + 6 * i:8 + 6 * i]
        c = x.shape[-1]
        x, m = batch_norm(conv(x, q[0].reshape(3, 3, 1, c), "SAME", c), q[1], q[2], state[2 * i])
        y, n = batch_norm(relu(x) @ q[3][0, 0], q[4], q[5], state[2 * i + 1])
        x, moving = relu(y), moving + [m, n]
    return x.mean((1, 2)) @ p[-2] + p[-1], moving


def ensemble(p, state, xs, key):
    return jnp.tanh(xs[0] @ p[0] + p[1]) @ p[2] + p[3], state


def xor(p, state, xs, key):
    return jnp.tanh(xs[0] @ p[0] + p[1]) @ p[2] + p[3], state


def xor_loss(z, y):  # sigmoid and binary cross-entropy
    return jnp.mean(jax.nn.softplus(z) - y * z)


MODELS = {"W1": xor, "W2": mlp(relu), "W3": mlp(relu), "W4": digits, "W5": tagger, "W6": gpt,
          "W7": normed, "W8": depthwise, "W9": pair, "W10": ensemble}
LOSSES = {"W1": xor_loss, "W10": lambda z, y: jnp.mean((z - y) ** 2)}


def update_of(workload):
    lr, decay = 1e-2 if workload == "W10" else 1e-3, 1e-2 if workload == "W6" else 0.0

    def sgd(p, g, m, v, t):
        return p - 0.5 * g, m, v

    def adam(p, g, m, v, t):
        m, v = 0.9 * m + 0.1 * g, 0.999 * v + 0.001 * g * g
        unbiased = jnp.sqrt(v) / jnp.sqrt(1 - 0.999 ** t) + 1e-8
        p = p * (1 - lr * decay) if decay else p
        return p - lr / (1 - 0.9 ** t) * m / unbiased, m, v

    return sgd if workload == "W1" else adam


def moving_of(workload):
    sizes = {"W7": [256, 256], "W8": [32, 64, 64, 128, 128, 128]}.get(workload, [])
    return [(jnp.zeros(n), jnp.ones(n)) for n in sizes]


def prepare(workload, threads, path, variant):
    inputs, targets, weights = initial(path)
    model, update = MODELS[workload], update_of(workload)
    measure = LOSSES.get(workload, crossentropy)
    xs, y = [jnp.array(x) for x in inputs], jnp.array(targets)
    slots = [] if workload == "W1" else weights

    def step(state, xs, y):
        p, m, v, moving, t, key = state
        t = t + 1

        def loss_of(p):
            out, fresh = model(p, moving, xs, jax.random.fold_in(key, t))
            return measure(out, y), fresh

        (loss, moving), g = jax.value_and_grad(loss_of, has_aux=True)(p)
        m, v = m or [None] * len(p), v or [None] * len(p)
        new = [update(*z, t.astype(jnp.float32)) for z in zip(p, g, m, v)]
        p, m, v = ([n[i] for n in new if n[i] is not None] for i in range(3))
        return (p, m, v, moving, t, key), loss

    step = jax.jit(step, donate_argnums=0)
    held = [([jnp.array(w) for w in weights], [jnp.zeros_like(w) for w in slots],
             [jnp.zeros_like(w) for w in slots], moving_of(workload), jnp.int32(0),
             jax.random.key(1))]

    def many(n):
        state = held[0]
        for _ in range(n):
            state, loss = step(state, xs, y)
        held[0] = state
        jax.block_until_ready(state[0])
        return float(loss)

    return lambda: many(1), many, "jax " + jax.__version__


if __name__ == "__main__":
    serve(prepare)
