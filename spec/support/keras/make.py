#!/usr/bin/env python3
"""Models as Keras 2 (tf_keras) and Keras 3 write them, their weights and what they predict.

    python3 make.py FOLDER     with keras 3, tensorflow, tf_keras, safetensors
"""
import json
import os
import sys

os.environ["KERAS_BACKEND"] = "tensorflow"
os.environ["TF_CPP_MIN_LOG_LEVEL"] = "3"
import numpy as np

OUT = sys.argv[1]
EXPECTED = {}


def put(name, text):
    with open(os.path.join(OUT, name), "w") as f:
        f.write(text + "\n")


def keep(name, model, inputs):
    put(name + ".json", model.to_json())
    y = model.predict(inputs, verbose=0)
    EXPECTED[name] = {"y": np.asarray(y).astype(float).tolist()}


def keras3():
    import keras
    import safetensors.numpy
    L = keras.layers
    keras.utils.set_random_seed(1)
    two = np.array([[1, 2, 3, 4], [0, -1, 0.5, 2]], np.float32)
    m = keras.Sequential([
        keras.Input((4,)),
        L.Dense(8, activation="relu", kernel_initializer="he_normal",
                kernel_regularizer=keras.regularizers.L2(1e-3)),
        L.Dropout(0.25), L.Dense(3, activation="softmax")])
    m.compile(keras.optimizers.SGD(0.05, momentum=0.9, nesterov=True),
              "sparse_categorical_crossentropy", metrics=["accuracy"])
    keep("sequential", m, two)
    m.save(os.path.join(OUT, "sequential.keras"))
    weights = {w.path: np.asarray(w.value) for w in m.weights}
    np.savez(os.path.join(OUT, "sequential.npz"), **weights)
    np.savez_compressed(os.path.join(OUT, "compressed.npz"), **weights)
    safetensors.numpy.save_file(weights, os.path.join(OUT, "sequential.safetensors"))

    i = keras.Input((6, 6, 1))
    h = L.Conv2D(3, 3, activation="relu")(i)
    h = L.MaxPooling2D()(L.BatchNormalization()(h))
    h = L.LeakyReLU(negative_slope=0.2)(L.Dense(5)(L.Flatten()(h)))
    f = keras.Model(i, L.Dense(2, activation="sigmoid")(h))
    rate = keras.optimizers.schedules.ExponentialDecay(1e-2, 100, 0.9)
    f.compile(keras.optimizers.Adam(rate), keras.losses.BinaryCrossentropy(label_smoothing=0.1),
              metrics=["mae", keras.metrics.AUC()])
    for w in f.weights:  # statistics that are not the initial ones
        if "moving" in w.path:
            w.assign(np.linspace(0.5, 1.5, 3))
    keep("chain", f, np.linspace(-1, 1, 72, dtype=np.float32).reshape(2, 6, 6, 1))
    np.savez(os.path.join(OUT, "chain.npz"), **{w.path: np.asarray(w.value) for w in f.weights})

    i = keras.Input((4,))
    h = L.Add()([L.Dense(4, activation="relu")(i), i])
    r = keras.Model(i, L.Dense(1)(h))
    r.compile("adam", "mse")
    keep("residual", r, two)
    np.savez(os.path.join(OUT, "residual.npz"), *r.get_weights())

    s = keras.Sequential([
        keras.Input((5, 2)), L.LSTM(3, return_sequences=True), L.GRU(2, return_sequences=True),
        L.Bidirectional(L.SimpleRNN(2)), L.Dense(1)])
    s.compile("rmsprop", keras.losses.Huber(delta=0.5))
    keep("recurrent", s, np.linspace(-1, 1, 20, dtype=np.float32).reshape(2, 5, 2))
    np.savez(os.path.join(OUT, "recurrent.npz"), **{w.path: np.asarray(w.value) for w in s.weights})


def keras2():
    os.environ["TF_USE_LEGACY_KERAS"] = "1"
    import tf_keras as keras
    L = keras.layers
    keras.utils.set_random_seed(3)
    m = keras.Sequential([
        L.Dense(3, activation="tanh", input_shape=(2,),
                kernel_regularizer=keras.regularizers.l2(1e-3)),
        L.BatchNormalization(), L.LeakyReLU(alpha=0.1), L.Dense(2, activation="softmax")])
    m.compile(keras.optimizers.legacy.SGD(0.1, momentum=0.9, decay=0.01),
              "categorical_crossentropy", metrics=["accuracy"])
    keep("sequential2", m, np.array([[1, 2], [-1, 0.5]], np.float32))
    np.savez(os.path.join(OUT, "sequential2.npz"), *m.get_weights())
    put("sequential2.compile.json", json.dumps(m.get_compile_config(), default=float))
    a, b = keras.Input((3,), name="left"), keras.Input((3,), name="right")
    shared = L.Dense(2, activation="relu", name="shared")
    h = L.Concatenate(name="join")([shared(a), shared(b)])
    f = keras.Model([a, b], L.Dense(1, name="out")(h))
    f.compile("adam", "mse")
    keep("shared2", f, [np.array([[1, 2, 3]], np.float32), np.array([[0, -1, 1]], np.float32)])
    np.savez(os.path.join(OUT, "shared2.npz"), *f.get_weights())


keras3()
keras2()
put("expected.json", json.dumps(EXPECTED))
