"""Keras on TensorFlow: fit, and a step of one's own under tf.function (with XLA: variant xla)."""
import sys

from peer_child import initial, pinned, serve

pinned(int(sys.argv[2]))
import os  # noqa: E402

os.environ["KERAS_BACKEND"] = "tensorflow"
import keras  # noqa: E402
import tensorflow as tf  # noqa: E402
from keras import layers as L  # noqa: E402


# Keras adds epsilon before the second moment is unbiased, PyTorch after it: over the first steps this
# is PyTorch's 1e-8.
EPSILON = 1e-9


class Tokens(L.Layer):
    """An embedding with a dense gradient: Keras squares the gradients of a sparse one row by row
    before it adds those of the same id, which is another Adam."""

    def build(self, shape):
        self.table = self.add_weight(shape=(65, 128))

    def call(self, ids):
        return tf.gather(self.table * 1.0, ids)


class Ensemble(L.Layer):
    def build(self, shape):
        self.w1 = self.add_weight(shape=(64, 2, 16))
        self.b1 = self.add_weight(shape=(64, 1, 16))
        self.w2 = self.add_weight(shape=(64, 16, 1))
        self.b2 = self.add_weight(shape=(64, 1, 1))

    def call(self, x):
        return keras.ops.matmul(keras.ops.tanh(keras.ops.matmul(x, self.w1) + self.b1),
                                self.w2) + self.b2


class Places(L.Layer):
    def build(self, shape):
        self.table = self.add_weight(shape=(64, 128))

    def call(self, x):
        return x + self.table


def gpt():
    ids = keras.Input((64,), dtype="int32")
    x = Places()(Tokens()(ids))
    for _ in range(4):
        h = L.LayerNormalization(epsilon=1e-5)(x)
        x = x + L.MultiHeadAttention(4, 32)(h, h, use_causal_mask=True)
        h = L.LayerNormalization(epsilon=1e-5)(x)
        x = x + L.Dense(128)(L.Dense(512, "gelu")(h))
    x = L.LayerNormalization(epsilon=1e-5)(x)
    return keras.Model(ids, L.Dense(65, use_bias=False)(x))


def pair():
    source, target = keras.Input((32, 32)), keras.Input((32, 32))
    state = L.GRU(128)(source)
    steps = L.GRU(128, return_sequences=True)(target, initial_state=state)
    return keras.Model([source, target], L.Dense(32)(steps))


def norm():
    return L.BatchNormalization(momentum=0.9, epsilon=1e-5)


def depthwise():
    parts = [L.Input((32, 32, 3)), L.Conv2D(32, 3, padding="same", activation="relu")]
    for filters in (64, 128, 128):
        parts += [L.DepthwiseConv2D(3, padding="same", use_bias=False), norm(), L.ReLU(),
                  L.Conv2D(filters, 1, use_bias=False), norm(), L.ReLU()]
    return keras.Sequential(parts + [L.GlobalAveragePooling2D(), L.Dense(10)])


def chain(shape, *parts):
    return keras.Sequential([L.Input(shape), *parts])


MODELS = {
    "W1": lambda: chain((2,), L.Dense(8, "tanh"), L.Dense(1, "sigmoid")),
    "W2": lambda: chain((784,), L.Dense(128, "relu"), L.Dense(10)),
    "W3": lambda: chain((784,), L.Dense(1024, "relu"), L.Dense(1024, "relu"), L.Dense(10)),
    "W4": lambda: chain((28, 28, 1), L.Conv2D(32, 3, activation="relu"), L.MaxPooling2D(2),
                        L.Conv2D(64, 3, activation="relu"), L.MaxPooling2D(2), L.Flatten(),
                        L.Dense(128, "relu"), L.Dense(10)),
    "W5": lambda: chain((64, 64), L.LSTM(256, return_sequences=True), L.Dense(64)),
    "W6": gpt,
    "W7": lambda: chain((256,), L.Dense(256), norm(), L.ReLU(), L.Dropout(0.5), L.Dense(256),
                        norm(), L.ReLU(), L.Dense(10)),
    "W8": depthwise, "W9": pair, "W10": lambda: chain((64, 2), Ensemble()),
}


def optimizer_of(workload):
    if workload == "W1":
        return keras.optimizers.SGD(0.5)
    if workload == "W6":
        return keras.optimizers.AdamW(1e-3, weight_decay=1e-2, epsilon=EPSILON)
    return keras.optimizers.Adam(1e-2 if workload == "W10" else 1e-3, epsilon=EPSILON)


def loss_of(workload):
    if workload == "W1":
        return keras.losses.BinaryCrossentropy()
    if workload == "W10":
        return keras.losses.MeanSquaredError()
    return keras.losses.SparseCategoricalCrossentropy(from_logits=True)


def by_fit(model, x, y):
    data = tf.data.Dataset.from_tensors((x, y)).repeat()

    def many(n):
        return float(model.fit(data, steps_per_epoch=n, epochs=1, verbose=0).history["loss"][0])

    return lambda: many(1), many


def by_function(model, x, y, jit):
    loss_fn, optimizer = model.loss, model.optimizer
    optimizer.build(model.trainable_variables)

    @tf.function(jit_compile=jit)
    def step(x, y):
        with tf.GradientTape() as tape:
            loss = loss_fn(y, model(x, training=True))
        variables = model.trainable_variables
        optimizer.apply_gradients(zip(tape.gradient(loss, variables), variables))
        return loss

    def many(n):
        for _ in range(n):
            loss = step(x, y)
        return float(loss)

    return lambda: many(1), many


def prepare(workload, threads, path, variant):
    tf.config.threading.set_intra_op_parallelism_threads(threads)
    tf.config.threading.set_inter_op_parallelism_threads(threads)
    keras.utils.set_random_seed(1)
    inputs, targets, weights = initial(path)
    model = MODELS[workload]()
    model.compile(optimizer=optimizer_of(workload), loss=loss_of(workload))
    for variable, array in zip(model.trainable_variables, weights, strict=True):
        assert tuple(variable.shape) == array.shape, (variable.path, array.shape)
        variable.assign(array)
    x = tuple(tf.constant(a) for a in inputs)
    x = x if len(x) > 1 else x[0]
    y = tf.constant(targets)
    if variant == "fit":
        one, many = by_fit(model, x, y)
    else:
        one, many = by_function(model, x, y, variant == "xla")
    return one, many, "tensorflow %s, keras %s" % (tf.__version__, keras.__version__)


if __name__ == "__main__":
    serve(prepare)
