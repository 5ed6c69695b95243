"""Subclassed models, layers and metrics, as users write them."""

from __future__ import annotations

from typing import Any

import keras
import numpy as np
import tensorflow as tf
from keras import layers


class Positions(layers.Layer):
    """A learned vector per position of a sequence."""

    def __init__(self, positions: int, width: int, **options: Any) -> None:
        super().__init__(**options)
        self.vectors = self.add_weight(
            shape=(positions, width), initializer="normal", name="vectors"
        )

    def call(self, tokens):
        """Map shape (batch, positions) to (1, positions, width)."""
        return self.vectors[tf.newaxis]

    def compute_output_shape(self, shape):
        """Return the shape of the vectors, with one row for all inputs."""
        return (1, *self.vectors.shape)


class Confusion(keras.metrics.Metric):
    """Accuracy from a confusion matrix."""

    def __init__(self, classes: int, **options: Any) -> None:
        super().__init__(name="confusion", **options)
        self.classes = classes
        self.counts = self.add_weight(shape=(classes, classes), initializer="zeros")

    def update_state(self, y_true, y_pred, sample_weight=None):
        """Count true classes (one-hot) and predicted classes (probabilities)."""
        pairs = keras.ops.argmax(y_true, -1), keras.ops.argmax(y_pred, -1)
        matrix = tf.math.confusion_matrix(*pairs, self.classes, dtype=tf.float32)
        self.counts.assign_add(matrix)

    def result(self):
        """Return the share on the diagonal."""
        return keras.ops.trace(self.counts) / keras.ops.sum(self.counts)


class TwoLayers(keras.Model):
    """A subclassed model that is not built before it is trained."""

    def __init__(self, outputs: int = 1) -> None:
        super().__init__()
        self.hidden, self.out = layers.Dense(8, "tanh"), layers.Dense(outputs)

    def call(self, x, training=False):
        """Map shape (batch, features) to (batch, outputs)."""
        return self.out(self.hidden(x))


class AddsLoss(TwoLayers):
    def call(self, x, training=False):
        hidden = self.hidden(x)
        self.add_loss(0.1 * keras.ops.mean(hidden**2))
        return self.out(hidden)


class Nested(TwoLayers):
    """Outputs in a dict, and the loss from ``compute_loss``."""

    def call(self, x, training=False):
        hidden = self.hidden(x)
        return {"first": self.out(hidden), "rest": self.out(hidden[:, ::-1])}

    def compute_loss(self, x=None, y=None, y_pred=None, sample_weight=None, training=True):
        """Return the squared error of both outputs, which have the same target."""
        return keras.ops.mean((y_pred["first"] - y) ** 2 + (y_pred["rest"] - y) ** 2)


class OwnStep(TwoLayers):
    """Custom steps whose logs have the keys ``squared`` and ``largest``."""

    def gradient_step(self, data):
        """Update the weights once; return the loss and the errors."""
        x, y, *_ = data
        with tf.GradientTape() as tape:
            error = self(x, training=True) - y
            loss = tf.reduce_mean(error**2)
        weights = self.trainable_variables
        gradients = tape.gradient(loss, weights)
        self.optimizer.apply_gradients(zip(gradients, weights, strict=True))
        return loss, error

    def train_step(self, data):
        loss, error = self.gradient_step(data)
        return {"squared": loss, "largest": tf.reduce_max(abs(error))}

    def test_step(self, data):
        error = self(data[0], training=False) - data[1]
        return {"squared": tf.reduce_mean(error**2), "largest": tf.reduce_max(abs(error))}


class PlainNumbers(OwnStep):
    def train_step(self, data):
        loss, _ = self.gradient_step(data)
        return {"two": 2, "half": np.float32(0.5), "nested": {"squared": loss}, "yes": True}


class OwnMetrics(OwnStep):
    def __init__(self) -> None:
        super().__init__()
        self.squared = keras.metrics.Mean(name="squared")
        self.seen = keras.metrics.Sum(name="seen")

    @property
    def metrics(self):
        return [self.squared, self.seen]

    def train_step(self, data):
        loss, error = self.gradient_step(data)
        self.squared.update_state(loss)
        self.seen.update_state(tf.shape(error)[0])
        return {metric.name: metric.result() for metric in self.metrics}

    test_step = train_step


class OwnResults(TwoLayers):
    def compute_metrics(self, x, y, y_pred, sample_weight=None):
        results = super().compute_metrics(x, y, y_pred, sample_weight)
        return results | {"largest": keras.ops.max(y_pred)}


class Gan(keras.Model):
    """Generator and discriminator, each with its own optimizer."""

    def __init__(self) -> None:
        super().__init__()
        self.generator = keras.Sequential([keras.Input((3,)), layers.Dense(4)])
        self.critic = keras.Sequential(
            [keras.Input((4,)), layers.Dense(6, "relu"), layers.Dense(1)]
        )
        self.seeds = keras.random.SeedGenerator(1)
        self.g_loss, self.d_loss = (keras.metrics.Mean(name=name) for name in ("g", "d"))

    def compile(self, **options):
        super().compile(**options)
        self.g_optimizer, self.d_optimizer = keras.optimizers.Adam(0.01), keras.optimizers.Adam()

    @property
    def metrics(self):
        return [self.g_loss, self.d_loss]

    def call(self, x, training=False):
        return self.critic(x)

    def train_step(self, data):
        cross = keras.losses.BinaryCrossentropy(from_logits=True)
        noise = keras.random.normal((tf.shape(data)[0], 3), seed=self.seeds)
        with tf.GradientTape() as tape:
            fake, real = self.critic(self.generator(noise)), self.critic(data)
            d_loss = cross(tf.zeros_like(fake), fake) + cross(tf.ones_like(real), real)
        weights = self.critic.trainable_variables
        self.d_optimizer.apply(tape.gradient(d_loss, weights), weights)
        with tf.GradientTape() as tape:
            fake = self.critic(self.generator(noise))
            g_loss = cross(tf.ones_like(fake), fake)
        weights = self.generator.trainable_variables
        self.g_optimizer.apply(tape.gradient(g_loss, weights), weights)
        self.g_loss.update_state(g_loss)
        self.d_loss.update_state(d_loss)
        return {"g_loss": self.g_loss.result(), "d_loss": self.d_loss.result()}


class Sampling(layers.Layer):
    def __init__(self) -> None:
        super().__init__()
        self.seeds = keras.random.SeedGenerator(1)

    def call(self, mean, deviation):
        noise = keras.random.normal(keras.ops.shape(mean), seed=self.seeds)
        return mean + noise * keras.ops.exp(deviation)


class Vae(keras.Model):
    """Encoder, sampling and decoder; the loss has reconstruction and divergence."""

    def __init__(self) -> None:
        super().__init__()
        self.mean, self.deviation = layers.Dense(2), layers.Dense(2)
        self.sampling, self.decoder = Sampling(), layers.Dense(8)
        self.divergence = keras.metrics.Mean(name="divergence")

    def call(self, x, training=False):
        mean, deviation = self.mean(x), self.deviation(x)
        divergence = keras.ops.mean(mean**2 + keras.ops.exp(2 * deviation) - 2 * deviation - 1) / 2
        self.add_loss(divergence)
        return self.decoder(self.sampling(mean, deviation)), divergence

    def train_step(self, x):
        with tf.GradientTape() as tape:
            output, divergence = self(x, training=True)
            loss = tf.reduce_mean((output - x) ** 2) + sum(self.losses)
        weights = self.trainable_variables
        self.optimizer.apply(tape.gradient(loss, weights), weights)
        self._loss_tracker.update_state(loss)
        self.divergence.update_state(divergence)
        return {metric.name: metric.result() for metric in self.metrics}


def subclassed() -> keras.Model:
    """A model that is not built, with ``add_loss`` in ``call``."""
    model = AddsLoss()
    model.compile(keras.optimizers.RMSprop(0.01, global_clipnorm=0.5), "mse", metrics=["mae"])
    return model


def nested() -> keras.Model:
    """A model with outputs in a dict."""
    return _compiled(Nested())


def own_keys() -> keras.Model:
    """A model whose logs have custom keys."""
    return _compiled(OwnStep())


def plain_numbers() -> keras.Model:
    """A model whose logs are Python and NumPy numbers, partly nested, without a loss."""
    return _compiled(PlainNumbers())


def own_metrics() -> keras.Model:
    """A model whose steps update metrics that ``__init__`` creates."""
    return _compiled(OwnMetrics())


def own_results() -> keras.Model:
    """A model with Keras's steps and a custom ``compute_metrics``."""
    model = OwnResults()
    model.compile("adam", "mse", metrics=["mae"])
    return model


def gan() -> keras.Model:
    """A model with two optimizers besides that of ``compile``."""
    return _compiled(Gan())


def vae() -> keras.Model:
    """A model that is trained without targets."""
    return _compiled(Vae())


def _compiled(model: keras.Model) -> keras.Model:
    model.compile(optimizer=keras.optimizers.Adam(0.01))
    return model
