"""What the branches of sequences share: ids or numbers go in, vectors and their mask come out."""

from __future__ import annotations

from typing import Any

from skmerge._spec import InputSpec
from skmerge.branches.dense import as_float


def read_steps(
    tensor: Any, spec: InputSpec, *, owner: str, embedding_dim: int, spatial_dropout: float
) -> tuple[Any, Any]:
    """Add the layers that make one vector of each step of a sequence.

    Reads ids of a vocabulary, which are embedded, of shape ``(length,)`` and 0 in the padding
    after a row's end; numbers of shape ``(length, channels)``, the last channel a mask where
    ``spec.step_mask``; and numbers of shape ``(length,)``, which are one channel.

    Parameters
    ----------
    tensor : KerasTensor of shape (batch, *spec.shape)
        The input.
    spec : InputSpec
        Description of the input.
    owner : str
        Name of the branch, for errors.
    embedding_dim : int
        Width of the embedding of an id.
    spatial_dropout : float
        Share of the channels dropped in training, in all steps of a row at once.

    Returns
    -------
    vectors : KerasTensor of shape (batch, steps, channels)
        The embeddings or numbers; padding that all rows of a batch share is cut off.
    mask : KerasTensor of shape (batch, steps), dtype bool
        True up to the last step of each row.

    Raises
    ------
    ValueError
        If the input does not hold sequences.
    """
    from keras import layers, ops

    from skmerge._layers.sequences import SequenceSteps

    _check_sequences(spec, owner)
    if spec.vocabulary_size is not None:
        ids, mask = SequenceSteps(name="steps")(tensor)
        vectors = layers.Embedding(spec.vocabulary_size, embedding_dim, name="embedding")(ids)
    elif spec.step_mask:
        vectors, mask = SequenceSteps(name="steps")(as_float(tensor))
    else:
        numbers = as_float(tensor)
        vectors = ops.expand_dims(numbers, -1) if len(spec.shape) == 1 else numbers
        mask = ops.ones_like(vectors[:, :, 0], dtype="bool")
    if spatial_dropout:
        vectors = layers.SpatialDropout1D(spatial_dropout, name="steps-dropout")(vectors)
    return vectors, mask


def _check_sequences(spec: InputSpec, owner: str) -> None:
    is_ids = spec.vocabulary_size is not None
    ranks = {1} if is_ids else {2} if spec.step_mask else {1, 2}
    n_channels = spec.shape[-1] if len(spec.shape) == 2 else 1
    if spec.sparse or spec.code_columns or len(spec.shape) not in ranks:
        what = (
            "a sparse matrix"
            if spec.sparse
            else "category codes"
            if spec.code_columns
            else f"{'ids' if is_ids else 'numbers'} of shape {spec.shape}"
        )
        raise ValueError(
            f"{owner} reads sequences: ids of shape (length,), or numbers of shape (length,) or "
            f"(length, channels). Got {what}. Encode the column as 'text' or 'sequence', or use "
            "another branch."
        )
    if n_channels is None or n_channels <= spec.step_mask:
        raise ValueError(
            f"{owner} reads sequences of a fixed number of channels, at least one beside a mask of "
            f"steps. Got rows of shape {spec.shape}. Encode the column as 'sequence'."
        )
