"""Looking into a running network: a layer's call is replaced for a while, or its output kept.

Enters: Keras layers. Leaves: what they were called with and what they returned. Only calls that
run eagerly are seen, which a network called directly does; nothing about the network changes.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

Call = Callable[..., Any]


@contextmanager
def replaced_calls(replacements: Mapping[Any, Callable[[Call], Call]]) -> Iterator[None]:
    """Replace the calls of some layers as long as the context is open.

    Parameters
    ----------
    replacements : mapping of keras.Layer to callable
        Takes the layer's own ``call`` and returns what is called in its place.
    """
    before = {layer: layer.__dict__.get("call") for layer in replacements}
    try:
        for layer, replace in replacements.items():
            # past Keras's __setattr__, which tracks what it is given
            layer.__dict__["call"] = replace(layer.call)
        yield
    finally:
        for layer, call in before.items():
            if call is None:
                layer.__dict__.pop("call", None)
            else:
                layer.__dict__["call"] = call


@dataclass
class CallLog:
    """The calls of one layer, in order.

    Parameters
    ----------
    inputs : list
        The first argument of each call.
    outputs : list
        What each call returned.
    """

    inputs: list[Any] = field(default_factory=list)
    outputs: list[Any] = field(default_factory=list)

    def keeping(self, call: Call) -> Call:
        """Wrap a call so that it is kept here.

        Parameters
        ----------
        call : callable
            The layer's own.

        Returns
        -------
        callable
            The same, which also fills this log.
        """

        def kept(inputs: Any, *args: Any, **kwargs: Any) -> Any:
            output = call(inputs, *args, **kwargs)
            self.inputs.append(inputs)
            self.outputs.append(output)
            return output

        return kept


def sublayers(network: Any, path: str = "") -> Iterator[tuple[str, Any]]:
    """Go over the layers of a network, those of networks and layers within it included.

    Parameters
    ----------
    network : keras.Model or keras.Layer
        The network.
    path : str, default=""
        What comes before the names.

    Yields
    ------
    name : str
        Name of the layer, after those of the networks that it is in: ``"resnet/conv2d"``.
    layer : keras.Layer
        The layer.
    """
    within = getattr(network, "layers", None) or getattr(network, "_layers", None)
    for layer in within or ():
        yield f"{path}{layer.name}", layer
        yield from sublayers(layer, f"{path}{layer.name}/")
