"""One training step: a batch goes in, the weights and the metrics of the network change.

It does what ``keras.Model.train_step`` does, with lookups and updates of our own, and the losses of
the branches where a merge of predictions asks for them.
"""

from __future__ import annotations

from typing import Any

import keras
import tensorflow as tf

from skmerge._reading import deep_logits, member_logits
from skmerge.training._lookups import Lookups
from skmerge.training._replicas import Share, check_loss, keep_results
from skmerge.training._updates import Updates


class TrainingStep:
    """A training step on the loss of the network, and on those of its branches if asked.

    Where a network has a wide part, it is the deep part that is trained, as if it were alone; where
    that has several members, each by its own loss.

    Parameters
    ----------
    model : keras.Model
        A compiled network whose last layer, ``"output"``, is an activation.
    logits : list of KerasTensor of shape (batch, n_outputs), default=()
        What each branch predicts for itself, before that activation.
    weight : float, default=0.0
        Weight of the mean of the branches' losses.
    """

    def __init__(self, model: keras.Model, logits: Any = (), weight: float = 0.0) -> None:
        self.model = model
        if not model.optimizer.built:  # which a graph cannot do
            model.optimizer.build(model.trainable_variables)
        self.updates = Updates(model)
        self._weight = weight
        self._n_members = 0
        self._forward = model
        deep = deep_logits(model)
        if deep is not None or logits:
            activation = model.get_layer("output").activation
            first, *alone = deep.outputs if deep is not None else [None]
            members = [] if deep is None else member_logits(model)
            self._n_members = len(members)
            output, *own = (
                model.output
                if tensor is None
                else keras.layers.Activation(activation, dtype="float32", name=f"own-{i}")(tensor)
                for i, tensor in enumerate([first, *members, *alone, *logits])
            )
            self._forward = keras.Model(model.input, [output, *own])

    def __call__(self, batch: tuple[Any, Any, Any], share: Share | None = None) -> None:
        """Take one step; the loss and the metrics kept are those of the network's own output.

        Parameters
        ----------
        batch : tuple of (inputs, targets, weights)
            The rows of the step; of one replica, where there are several.
        share : Share, default=None
            What part of the step's rows they are; None for all.
        """
        inputs, targets, weights = batch
        model = self.model
        variables = model.trainable_variables
        with tf.GradientTape() as tape:
            # Keras's own updates take no gradients of rows; and replicas take turns within a layer,
            # so that its call cannot be another one for the length of one replica's step
            by_rows = self.updates.by_rows and share is None
            lookups = Lookups(self._forward if by_rows else None, tape)
            with lookups:
                outputs = self._forward(inputs, training=True)
            output, *own = outputs if isinstance(outputs, list) else [outputs]
            if share is not None:
                check_loss(model.loss, targets, output)
            loss = model.compute_loss(inputs, targets, output, weights, training=True)
            total = self._total(loss, [self._alone(batch, each) for each in own])
            scaled = model.optimizer.scale_loss(total if share is None else total * share.factor)
        gradients, of_rows = tape.gradient(scaled, (variables, lookups.watched))
        gradients = lookups.gathered(variables, gradients, of_rows)
        self.updates.apply(gradients, of_replicas=share is not None)
        keep_results(model, loss, batch, output, share)

    def _alone(self, batch: tuple[Any, Any, Any], prediction: Any) -> Any:
        """Return the loss of a further prediction, penalties of weights left out."""
        inputs, targets, weights = batch
        loss = self.model.compute_loss(inputs, targets, prediction, weights, training=True)
        return loss - self._penalties()

    def _total(self, loss: Any, further: list[Any]) -> Any:
        """Add up what is minimised: the members' losses in place of that of their mean."""
        members, others = further[: self._n_members], further[self._n_members :]
        if members:
            loss = tf.add_n(members) + self._penalties()
        return loss + self._weight * tf.add_n(others) / len(others) if others else loss

    def _penalties(self) -> Any:
        """Return the penalties of weights as a loss has them: of replicas, each has its part."""
        return sum(self.model.losses) / tf.distribute.get_strategy().num_replicas_in_sync
