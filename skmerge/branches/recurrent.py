"""Recurrent networks: sequences of words or numbers go in, the last state comes out."""

from __future__ import annotations

from numbers import Integral, Real
from typing import Any

from sklearn.utils._param_validation import Interval, StrOptions

from skmerge._spec import InputSpec
from skmerge.branches._base import Branch, check_widths
from skmerge.branches._sequences import read_steps
from skmerge.branches.dense import dense_layers


class RecurrentBranch(Branch):
    """Recurrent layers over a sequence; the features are the state after its last step.

    Reads rows of ids, which are embedded (0 is padding at the end), and sequences of numbers, of
    one length or with a mask of steps. Steps are read in order, and padding after the last one
    makes no difference. A row without steps has the state zero.

    Parameters
    ----------
    units : int or tuple of int, default=64
        Width of the state. A tuple stacks layers: each reads the states of the one before.
    cell : {"gru", "lstm"}, default="gru"
        Gated recurrent units [1]_ or long short-term memory [2]_.
    embedding_dim : int, default=64
        Width of the embedding of an id; of no use for numbers.
    skip : bool, default=False
        Whether the features are also the embedding (or the numbers) of the row's last step,
        behind the state: ``[state; last step]``, what the multimodal layer of [3]_ reads.
    bidirectional : bool, default=False
        Whether a second set of layers reads each sequence from its last step to its first. Its
        state is laid beside the other, which doubles the width.
    dense_units : tuple of int, default=()
        Widths of dense layers after the state, ``()`` for none.
    activation : str or None, default="relu"
        Name of the Keras activation after each dense layer; None for linear layers.
    dropout : float, default=0.0
        Share of the units dropped after each recurrent and each dense layer in training, 0 up to
        1 (excluded). Last steps that `skip` adds are not dropped.
    spatial_dropout : float, default=0.0
        Share of the embedding's units (or channels) dropped in training, in all steps of a row
        at once.
    recurrent_dropout : float, default=0.0
        Share of the state's units that the next step does not see in training, the same ones in
        all steps [4]_. Anything but 0 makes a step about half again as slow, and on a GPU does
        without the kernels of cuDNN.

    Notes
    -----
    The GRU is the variant of cuDNN, which applies the reset gate after the matrix product
    (``reset_after=True`` in Keras), and not before it as in [1]_, eq. 8.

    References
    ----------
    .. [1] K. Cho et al., "Learning Phrase Representations using RNN Encoder-Decoder for
       Statistical Machine Translation", EMNLP 2014, eqs. 5-8.
    .. [2] S. Hochreiter, J. Schmidhuber, "Long Short-Term Memory", Neural Computation 9(8), 1997;
       with the forget gate of F. Gers et al., 2000, its bias 1 at the start.
    .. [3] J. Mao et al., "Explain Images with Multimodal Recurrent Neural Networks",
       arXiv:1410.1090, 2014, eq. 4.
    .. [4] Y. Gal, Z. Ghahramani, "A Theoretically Grounded Application of Dropout in Recurrent
       Neural Networks", NeurIPS 2016.

    Examples
    --------
    >>> from skmerge import RecurrentBranch
    >>> RecurrentBranch(32, cell="lstm", bidirectional=True)
    RecurrentBranch(bidirectional=True, cell='lstm', units=32)
    """

    builds_for_more = True

    _parameter_constraints = {
        "units": [Interval(Integral, 1, None, closed="left"), tuple, list],
        "cell": [StrOptions({"gru", "lstm"})],
        "embedding_dim": [Interval(Integral, 1, None, closed="left")],
        "skip": ["boolean"],
        "bidirectional": ["boolean"],
        "dense_units": [tuple, list],
        "activation": [str, None],
        "dropout": [Interval(Real, 0, 1, closed="left")],
        "spatial_dropout": [Interval(Real, 0, 1, closed="left")],
        "recurrent_dropout": [Interval(Real, 0, 1, closed="left")],
    }

    def __init__(
        self,
        units: int | tuple[int, ...] = 64,
        *,
        cell: str = "gru",
        embedding_dim: int = 64,
        skip: bool = False,
        bidirectional: bool = False,
        dense_units: tuple[int, ...] = (),
        activation: str | None = "relu",
        dropout: float = 0.0,
        spatial_dropout: float = 0.0,
        recurrent_dropout: float = 0.0,
    ) -> None:
        self.units = units
        self.cell = cell
        self.embedding_dim = embedding_dim
        self.skip = skip
        self.bidirectional = bidirectional
        self.dense_units = dense_units
        self.activation = activation
        self.dropout = dropout
        self.spatial_dropout = spatial_dropout
        self.recurrent_dropout = recurrent_dropout

    def build(self, tensor: Any, spec: InputSpec) -> Any:
        """Add the embedding, the recurrent and the dense layers to the network.

        Parameters
        ----------
        tensor : KerasTensor of shape (batch, length) or (batch, length, channels)
            Ids of words or numbers.
        spec : InputSpec
            Description of the input.

        Returns
        -------
        KerasTensor of shape (batch, units)
            The features.

        Raises
        ------
        ValueError
            If the input does not hold sequences, or a parameter is not valid.
        """
        from keras import layers

        from skmerge._layers.sequences import LastStep

        widths = self._checked_widths()
        steps, mask = read_steps(
            tensor,
            spec,
            owner=type(self).__name__,
            embedding_dim=self.embedding_dim,
            spatial_dropout=self.spatial_dropout,
        )
        vectors = steps
        for position, width in enumerate(widths, start=1):
            is_last = position == len(widths)
            vectors = self._recurrent(vectors, mask, width, f"{self.cell}_{position}", is_last)
            if self.dropout:
                name = f"{self.cell}_{position}-dropout"
                vectors = layers.Dropout(self.dropout, name=name)(vectors)
        if self.skip:
            last = LastStep(name="last-step")([steps, mask])
            vectors = layers.Concatenate(name="state-and-step")([vectors, last])
        return dense_layers(
            vectors, self.dense_units, activation=self.activation, dropout=self.dropout
        )

    def _checked_widths(self) -> tuple[int, ...]:
        self._validate_params()
        owner = type(self).__name__
        widths = (self.units,) if isinstance(self.units, int | Integral) else tuple(self.units)
        check_widths("units", owner, widths)
        check_widths("dense_units", owner, self.dense_units)
        if not widths:
            raise ValueError(
                f"The 'units' parameter of {owner} must be the width of the state, or a tuple of "
                f"at least one width. Got {self.units!r}."
            )
        return widths

    def _recurrent(self, vectors: Any, mask: Any, width: int, name: str, is_last: bool) -> Any:
        """Add one recurrent layer, or one for each direction.

        What is computed in the padding after a row's end is never read, so the way forward needs
        no mask, which makes a step slower. The way back starts in the padding, and needs it.
        """
        from keras import layers, ops

        from skmerge._layers.sequences import LastStep

        layer = {"gru": layers.GRU, "lstm": layers.LSTM}[self.cell]
        forward = layer(
            width, return_sequences=True, recurrent_dropout=self.recurrent_dropout, name=name
        )
        states = forward(vectors)
        if is_last:
            states = LastStep(name=f"{name}-last")([states, mask])
        if not self.bidirectional:
            return states
        backward = layer(
            width,
            return_sequences=not is_last,
            go_backwards=True,
            recurrent_dropout=self.recurrent_dropout,
            name=f"{name}-backward",
        )
        others = backward(vectors, mask=mask)
        if not is_last:
            others = ops.flip(others, axis=1)
        return layers.Concatenate(name=f"{name}-both")([states, others])
