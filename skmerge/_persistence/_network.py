"""A trained network: its plan and options as values, its weights in a file as Keras writes them.

Enters: a `NetworkTrainer`. Leaves: JSON, the bytes of a ``.weights.h5`` file, and a trainer that
goes on where the first one was. The network itself is built anew from its plan.
"""

from __future__ import annotations

import io
import tempfile
from pathlib import Path
from typing import Any

from skmerge._persistence._values import Reader, Writer

_FILE = "network.weights.h5"


def is_trainer(value: Any) -> bool:
    """Say whether an object is a trainer, without loading TensorFlow.

    Parameters
    ----------
    value : object
        Any object.

    Returns
    -------
    bool
        True for a `NetworkTrainer`.
    """
    return type(value).__name__ == "NetworkTrainer"


def written_trainer(writer: Writer, trainer: Any, where: str) -> tuple[dict[str, Any], bytes]:
    """Turn a trainer into JSON and the weights of its network.

    Parameters
    ----------
    writer : Writer
        Writes the plan and the options.
    trainer : NetworkTrainer
        The trainer.
    where : str
        Where it is found, for errors.

    Returns
    -------
    written : dict of str to object
        JSON.
    weights : bytes
        What Keras writes of the network.
    """
    state = trainer.state().items()
    written = {name: writer.write(each, f"{where}.{name}") for name, each in state}
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / _FILE
        trainer.network.model.save_weights(path)
        weights = path.read_bytes()
    return {"trainer": written}, weights


def read_trainer(reader: Reader, written: dict[str, Any], weights: bytes) -> Any:
    """Build the network again, and give it its weights.

    Parameters
    ----------
    reader : Reader
        Reads the plan and the options.
    written : dict of str to object
        What `written_trainer` made.
    weights : bytes
        What Keras wrote of the network.

    Returns
    -------
    NetworkTrainer
        The trainer.

    Raises
    ------
    ValueError
        If the weights are not those of such a network.
    """
    from skmerge.training import NetworkTrainer

    n_weights = _weights_in(weights)
    state = {name: reader.read(each) for name, each in written["trainer"].items()}
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / _FILE
        path.write_bytes(weights)
        return NetworkTrainer.restored(path, n_weights, **state)


def _weights_in(weights: bytes) -> int:
    """Count the weights in a file of Keras, every one of which must be in the file itself."""
    import h5py

    counts: list[int] = []
    sizes: list[int] = []

    def check(name: str, item: Any) -> None:
        if not isinstance(item, h5py.Dataset):
            return
        if item.external or item.is_virtual or item.chunks is not None:
            raise ValueError(f"its weights {name!r} are not plain numbers in the file")
        if item.dtype.kind not in "biufcV":  # V is what bfloat16 is kept as
            raise ValueError(f"its weights {name!r} are of dtype {item.dtype}")
        sizes.append(int(item.nbytes))
        if not name.startswith("optimizer/"):
            counts.append(int(item.size))

    try:
        with h5py.File(io.BytesIO(weights), "r") as file:
            _check_links(file)
            file.visititems(check)
    except (OSError, RuntimeError, KeyError) as error:
        raise ValueError(f"its weights cannot be read ({error})") from error
    if sum(sizes) > len(weights):
        raise ValueError("its weights are larger than their file")
    return sum(counts)


def _check_links(group: Any) -> None:
    import h5py

    for name in group:
        if not isinstance(group.get(name, getlink=True), h5py.HardLink):
            raise ValueError(f"its weights link {name!r} to another place")
        if isinstance(group[name], h5py.Group):
            _check_links(group[name])
