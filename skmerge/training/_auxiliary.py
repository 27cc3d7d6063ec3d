"""One training step that also counts what each branch predicts for itself.

Enters: a compiled network and the predictions of its branches. Leaves: a step that stands in for
``keras.Model.train_step``.
"""

from __future__ import annotations

from typing import Any

import keras
import tensorflow as tf


class AuxiliaryStep:
    """A training step on the loss of the network plus those of its branches.

    Parameters
    ----------
    model : keras.Model
        A compiled network whose last layer, ``"output"``, is an activation.
    logits : list of KerasTensor of shape (batch, n_outputs)
        What each branch predicts for itself, before that activation.
    weight : float
        Weight of the mean of the branches' losses.
    """

    def __init__(self, model: keras.Model, logits: list[Any], weight: float) -> None:
        activation = model.get_layer("output").activation
        own = [
            keras.layers.Activation(activation, dtype="float32", name=f"own-{position}")(tensor)
            for position, tensor in enumerate(logits)
        ]
        self.model = model
        self.weight = weight
        self._all_outputs = keras.Model(model.input, [model.output, *own])

    def __call__(self, batch: tuple[Any, Any, Any]) -> None:
        """Take one step; the loss and the metrics kept are those of the network's own output.

        Parameters
        ----------
        batch : tuple of (inputs, targets, weights)
            The rows of the step.
        """
        inputs, targets, weights = batch
        model = self.model
        with tf.GradientTape() as tape:
            output, *own = self._all_outputs(inputs, training=True)
            loss = model.compute_loss(inputs, targets, output, weights, training=True)
            regularization = sum(model.losses)
            extra = [
                model.compute_loss(inputs, targets, prediction, weights, training=True)
                - regularization
                for prediction in own
            ]
            total = loss + self.weight * tf.add_n(extra) / len(extra)
            scaled = model.optimizer.scale_loss(total)
        gradients = tape.gradient(scaled, model.trainable_variables)
        model.optimizer.apply_gradients(zip(gradients, model.trainable_variables, strict=True))
        model.metrics[0].update_state(loss, sample_weight=tf.shape(targets)[0])
        model.compute_metrics(inputs, targets, output, weights)
