"""Encoders: the columns of one input go in, one array and its `InputSpec` come out."""

from __future__ import annotations

from skmerge._errors import did_you_mean, short_repr
from skmerge.encoders._base import Encoder
from skmerge.encoders.array import ArrayEncoder
from skmerge.encoders.image import ImageEncoder
from skmerge.encoders.sequence import SequenceEncoder
from skmerge.encoders.tabular import TabularEncoder
from skmerge.encoders.tags import TagEncoder
from skmerge.encoders.text import TextEncoder

__all__ = [
    "ENCODERS",
    "ArrayEncoder",
    "Encoder",
    "ImageEncoder",
    "SequenceEncoder",
    "TabularEncoder",
    "TagEncoder",
    "TextEncoder",
    "resolve_encoder",
]

ENCODERS: dict[str, type[Encoder]] = {
    "array": ArrayEncoder,
    "image": ImageEncoder,
    "sequence": SequenceEncoder,
    "tabular": TabularEncoder,
    "tags": TagEncoder,
    "text": TextEncoder,
}


def resolve_encoder(value: Encoder | str) -> Encoder:
    """Return the encoder that a short value stands for.

    Parameters
    ----------
    value : Encoder or str
        An encoder, or the name of a kind of input.

    Returns
    -------
    Encoder
        The encoder itself, or a new one of that kind.

    Raises
    ------
    ValueError
        If `value` is neither; the message lists the kinds and the nearest one.

    Examples
    --------
    >>> from skmerge.encoders import resolve_encoder
    >>> resolve_encoder("text")
    TextEncoder()
    """
    if isinstance(value, Encoder):
        return value
    if isinstance(value, str) and value in ENCODERS:
        return ENCODERS[value]()
    raise ValueError(
        f"An encoder must be one of {list(ENCODERS)} or an Encoder. Got {short_repr(value)}."
        f"{did_you_mean(value, ENCODERS)}"
    )
