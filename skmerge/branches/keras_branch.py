"""The user's own network as a branch: any Keras model or layer, rebuilt for every network."""

from __future__ import annotations

from typing import Any

from sklearn.utils._param_validation import StrOptions

from skmerge._spec import InputSpec
from skmerge.branches._base import Branch
from skmerge.branches._rebuild import HoldsNetwork, is_keras_layer, rebuilt
from skmerge.branches.dense import as_float, flat


class KerasBranch(HoldsNetwork, Branch):
    """A Keras model or layer of your own.

    The model itself is never trained: each network gets a new one of its configuration. It
    reads the input as it is, integers cast to float32, ids of words left as integers. Pictures
    of dtype uint8 are 0..255, not rescaled: put the layer that the model expects before it, for
    example ``Rescaling(1 / 127.5, offset=-1)`` before ``keras.applications.MobileNetV2``, whose
    ``preprocess_input`` does the same to arrays.

    Outputs of rank 4, the maps ``(batch, height, width, channels)`` of a model without its top,
    are averaged over height and width; other outputs of higher rank than ``(batch, units)`` are
    flattened. A model that ends with ``Flatten`` or a pooling layer decides that itself.

    Parameters
    ----------
    network : keras.Model, keras.layers.Layer, or callable
        A Sequential, functional or subclassed model with one input and one output, or a single
        layer. Subclasses need a ``get_config`` that returns the arguments of their
        ``__init__``. Or a function without arguments that makes a model or layer, a new one at
        each call; that is then used as it was made.
    weights : {"fresh", "keep"}, default="fresh"
        New random weights, or a copy of the weights that `network` has when the network is
        built: ``"keep"`` is for a model that was trained or loaded before, and together with
        ``trainable=False`` for one that is to stay as it is. Of no effect for a function's
        model, which keeps the weights it was made with.
    trainable : bool, default=None
        Whether training changes the weights. None leaves that to `network`. Where it does not,
        batch normalisation keeps its statistics too.

    See Also
    --------
    ConvBranch : Convolutions for pictures, without a model of your own.

    Examples
    --------
    >>> from skmerge import KerasBranch
    >>> KerasBranch("not a network", trainable=False)
    KerasBranch(network='not a network', trainable=False)
    """

    _parameter_constraints = {
        "network": "no_validation",
        "weights": [StrOptions({"fresh", "keep"})],
        "trainable": ["boolean", None],
    }

    def __init__(
        self, network: Any, *, weights: str = "fresh", trainable: bool | None = None
    ) -> None:
        self.network = network
        self.weights = weights
        self.trainable = trainable

    def build(self, tensor: Any, spec: InputSpec) -> Any:
        """Add a new network of this configuration.

        Parameters
        ----------
        tensor : KerasTensor of shape (batch, *spec.shape)
            The input, of dtype ``spec.dtype``; a sparse tensor where ``spec.sparse``.
        spec : InputSpec
            Description of the input.

        Returns
        -------
        KerasTensor of shape (batch, units)
            The network's output: maps averaged over positions, all else flattened.

        Raises
        ------
        ValueError
            If the network cannot be rebuilt, has several inputs or outputs or another input
            shape than ``spec.shape``, has no weights to keep, or outputs rows of varying size.
        """
        self._validate_params()
        network = rebuilt(self.network)
        _check_input(network, tensor)
        output = network(tensor if spec.vocabulary_size is not None else as_float(tensor))
        self._check_output(output)
        if self.weights == "keep" and is_keras_layer(self.network):
            network.set_weights(self._kept_weights())
        if self.trainable is not None:
            # TensorFlow skips an assignment of the value that is there, and so the inner layers
            network.trainable = not self.trainable
            network.trainable = self.trainable
        return _vector(as_float(output))

    def _kept_weights(self) -> list[Any]:
        if not self.network.built:
            raise ValueError(
                f"weights='keep' needs a network that has weights. {self.network!r} is not built: "
                "call it on some rows or give it an Input, or set weights='fresh'."
            )
        return self.network.get_weights()

    def _check_output(self, output: Any) -> None:
        shape = getattr(output, "shape", None)
        if shape is None:
            raise ValueError(
                f"A network of a branch must have one output. {self.network!r} returns "
                f"{type(output).__name__} of {len(output)}. Wrap it in a model that returns one."
            )
        if None in (shape[3:] if len(shape) == 4 else shape[1:]):
            raise ValueError(
                f"A network of a branch must output rows of one size. {self.network!r} outputs "
                f"shape {shape}, where None varies. End it with a pooling layer."
            )


def _vector(output: Any) -> Any:
    from keras import layers

    if len(output.shape) == 4:
        return layers.GlobalAveragePooling2D(name="average")(output)
    return flat(output)


def _check_input(network: Any, tensor: Any) -> None:
    """Raise if a network of known inputs cannot read rows of the tensor's shape."""
    inputs = getattr(network, "inputs", None)
    if not inputs:
        return
    if len(inputs) > 1:
        raise ValueError(
            f"A network of a branch must have one input. {network!r} has {len(inputs)}: "
            f"{[each.name for each in inputs]}. Give each a branch of its own."
        )
    expected, got = tuple(inputs[0].shape), tuple(tensor.shape)
    fits = len(expected) == len(got) and all(
        ours == theirs or ours is None or theirs is None
        for ours, theirs in zip(expected[1:], got[1:], strict=True)
    )
    if not fits:
        raise ValueError(
            f"{network!r} reads rows of shape {expected[1:]}, but the rows of this input have "
            f"shape {got[1:]}. Change the network's Input, or encode to that shape."
        )
