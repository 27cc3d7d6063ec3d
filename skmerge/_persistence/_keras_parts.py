"""Keras objects: the user's own layers, optimizers, losses, metrics, callbacks, and the network.

Enters: a Keras object, or its JSON. Leaves: its configuration, as Keras writes it, looked through
for what would run code or is of a class that nobody gave; and back.
"""

from __future__ import annotations

import inspect
import json
import sys
from collections.abc import Iterator
from typing import Any

from skmerge._persistence._classes import CustomObjects
from skmerge._persistence._values import Reader, Writer

#: classes of Keras that hold code, or read files
_FORBIDDEN = {"__lambda__", "__typespec__", "Lambda", "TFSMLayer", "TorchModuleWrapper"}
_FORBIDDEN |= {"JaxLayer", "FlaxLayer"}

_PLAIN = {"__numpy__", "__tensor__", "__keras_tensor__", "__bytes__", "__ellipsis__", "__slice__"}

#: modules of Keras whose classes a network may be made of, and what goes with them
_PARTS = (
    "activations",
    "constraints",
    "dtype_policies",
    "initializers",
    "layers",
    "losses",
    "metrics",
    "models",
    "ops",
    "optimizers",
    "quantizers",
    "random",
    "regularizers",
)

#: modules of Keras whose classes may be parameters
_SECTIONS = ("callbacks", "layers", "losses", "metrics", "optimizers")


def is_keras_object(value: Any) -> bool:
    """Say whether Keras knows how to write an object, without importing Keras.

    Parameters
    ----------
    value : object
        Any value.

    Returns
    -------
    bool
        True for layers, models, optimizers, losses, metrics, schedules and functions of Keras.
    """
    if "keras" not in sys.modules:
        return False
    if isinstance(value, type):
        return False
    module = str(getattr(value, "__module__", "")).partition(".")[0]
    bases = (base.__module__.partition(".")[0] for base in type(value).__mro__)
    has_config = hasattr(value, "get_config") and hasattr(type(value), "from_config")
    return (has_config and "keras" in bases) or (callable(value) and module == "keras")


def is_callback(value: Any) -> bool:
    """Say whether an object is a Keras callback, without importing Keras.

    Parameters
    ----------
    value : object
        Any value.

    Returns
    -------
    bool
        True for an instance of a callback that Keras has.
    """
    keras = sys.modules.get("keras")
    return (
        keras is not None
        and isinstance(value, keras.callbacks.Callback)
        and getattr(keras.callbacks, type(value).__name__, None) is type(value)
    )


def written_keras_object(writer: Writer, value: Any, where: str, needed: set[str]) -> Any:
    """Turn a Keras object into JSON.

    Parameters
    ----------
    writer : Writer
        Keeps its weights.
    value : object
        The Keras object.
    where : str
        Where it is found, for errors.
    needed : set of str
        Where names are added of what the caller of `load` will have to give.

    Returns
    -------
    dict of str to object
        JSON.

    Raises
    ------
    ValueError
        If it has no configuration, or one that holds code.
    """
    import keras

    try:
        config = json.loads(json.dumps(keras.saving.serialize_keras_object(value)))
    except (TypeError, ValueError, NotImplementedError, AttributeError) as error:
        raise ValueError(
            f"{where} is {value!r}, which has no configuration that a file can hold ({error}). "
            f"Define get_config() on {type(value).__name__} to return the arguments of its "
            "__init__."
        ) from error
    if isinstance(config, dict):
        config.pop("compile_config", None)
    for class_name, name, is_allowed in _classes_in(config):
        if class_name in _FORBIDDEN:
            raise ValueError(
                f"{where} holds a {class_name.strip('_')}, whose code would be in the file. Write "
                "it as a class of its own with get_config(), which skmerge.load can be given."
            )
        if not is_allowed:
            needed.add(name)
    has_weights = isinstance(value, keras.layers.Layer) and value.built
    weights = writer.write(value.get_weights(), where) if has_weights else None
    return {"keras": config, "weights": weights}


def read_keras_object(reader: Reader, written: Any, custom_objects: CustomObjects) -> Any:
    """Make a Keras object of its JSON.

    Parameters
    ----------
    reader : Reader
        Reads its weights.
    written : dict of str to object
        What `written_keras_object` made.
    custom_objects : CustomObjects
        What the caller gives.

    Returns
    -------
    object
        The Keras object.

    Raises
    ------
    ValueError, TypeError, LookupError
        If the configuration names what no file may, or Keras cannot make it.
    """
    import keras

    import skmerge._layers  # noqa: F401, it registers the layers

    config = written["keras"]
    for class_name, name, is_allowed in _classes_in(config):
        if class_name in _FORBIDDEN:
            raise ValueError(f"it holds a {class_name}, which may run code")
        if not is_allowed:
            custom_objects.get(name)
    made = keras.saving.deserialize_keras_object(
        config, custom_objects=_for_keras(custom_objects), safe_mode=True
    )
    if written["weights"] is not None:
        made.set_weights(reader.read(written["weights"]))
    return made


def written_callback(writer: Writer, value: Any, where: str) -> Any:
    """Turn a callback of Keras into the arguments that make another.

    Parameters
    ----------
    writer : Writer
        Writes the arguments.
    value : keras.callbacks.Callback
        The callback.
    where : str
        Where it is found, for errors.

    Returns
    -------
    dict of str to object
        JSON.

    Raises
    ------
    ValueError
        If it does not tell its arguments.
    """
    kind = type(value)
    arguments = {}
    for name, parameter in inspect.signature(kind.__init__).parameters.items():
        if name == "self" or parameter.kind is parameter.VAR_KEYWORD:
            continue
        if not hasattr(value, name):
            raise ValueError(
                f"{where} is a {kind.__name__}, which does not tell its argument {name!r}. Take it "
                "out by set_params(callbacks=None) before save."
            )
        arguments[name] = writer.write(getattr(value, name), f"{where}.{name}")
    return {"callback": kind.__name__, "arguments": arguments}


def read_callback(reader: Reader, written: Any) -> Any:
    """Make a callback of its arguments.

    Parameters
    ----------
    reader : Reader
        Reads the arguments.
    written : dict of str to object
        What `written_callback` made.

    Returns
    -------
    keras.callbacks.Callback
        The callback.

    Raises
    ------
    ValueError
        If Keras has no such callback.
    """
    import keras

    kind = getattr(keras.callbacks, written["callback"], None)
    if not isinstance(kind, type) or not issubclass(kind, keras.callbacks.Callback):
        raise ValueError(f"Keras has no callback {written['callback']!r}")
    return kind(**{name: reader.read(each) for name, each in written["arguments"].items()})


def keras_name(value: Any) -> list[str] | None:
    """Return where Keras has a class or function, without importing Keras.

    Parameters
    ----------
    value : object
        Any value.

    Returns
    -------
    list of str or None
        Name of the module in Keras, and its name there; None if Keras does not have it.
    """
    keras = sys.modules.get("keras")
    if keras is None or not isinstance(value, type):
        return None
    name = value.__name__
    for section in _SECTIONS:
        if getattr(getattr(keras, section), name, None) is value:
            return [section, name]
    return None


def keras_class(name: list[str]) -> type:
    """Return the class of a name that `keras_name` gave.

    Parameters
    ----------
    name : list of str
        Name of the module, and of the class.

    Returns
    -------
    type
        The class.

    Raises
    ------
    ValueError
        If Keras has no such class, or one that may run code.
    """
    import keras

    section, class_name = name
    kind = getattr(getattr(keras, section), class_name) if section in _SECTIONS else None
    if not isinstance(kind, type) or class_name in _FORBIDDEN:
        raise ValueError(f"Keras has no class {section}.{class_name} that a file may name")
    return kind


def _classes_in(config: Any) -> Iterator[tuple[str, str, bool]]:
    """Yield each class and function in a configuration, its name, and whether Keras has it."""
    if isinstance(config, list):
        for each in config:
            yield from _classes_in(each)
    if not isinstance(config, dict):
        return
    if isinstance(config.get("vocabulary"), str):
        raise ValueError(
            f"its layer must hold its vocabulary, and reads the file {config['vocabulary']!r}"
        )
    if "class_name" in config:
        kind, module = str(config["class_name"]), str(config.get("module"))
        is_function = kind == "function"
        name = str(config.get("config")) if is_function else kind
        known = (
            kind in _PLAIN
            or config.get("registered_name") == f"skmerge>{kind}"
            or (module == "builtins" and is_function)
            or (module == "keras" and not is_function)
            or _is_part(module)
        )
        yield name, f"{module}:{name}", known
    for each in config.values():
        yield from _classes_in(each)


def _is_part(module: str) -> bool:
    names = module.split(".")
    if names[:2] == ["keras", "src"]:
        del names[1]
    return names[0] == "keras" and len(names) > 1 and names[1] in _PARTS


def _for_keras(custom_objects: CustomObjects) -> dict[str, Any]:
    """Return what the caller gave by all names that Keras may look for."""
    import keras

    found = dict(custom_objects.by_name)
    for each in custom_objects.by_name.values():
        found[each.__name__] = each
        found[keras.saving.get_registered_name(each)] = each
    return found
