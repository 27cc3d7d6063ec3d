"""The parts of a network: an estimator goes in, what its parts are and how wide comes out.

A fitted network is described as it was built, with shapes and numbers of parameters. Of one that
is not fitted, what its parameters say; describing it loads neither Keras nor TensorFlow.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from skmerge._errors import short_repr
from skmerge._plan import encoder_of_input, encoder_of_remainder
from skmerge._sharing import resolve_branches
from skmerge._spec import InputSpec
from skmerge.branches import resolve_branch
from skmerge.branches._base import Branch
from skmerge.branches._rebuild import is_keras_layer
from skmerge.merges import MERGES, Merge, MergeList, resolve_merge
from skmerge.network import wire_names

_SHORT_NAMES = {merge: name for name, merge in MERGES.items()}


@dataclass(frozen=True)
class Part:
    """A part of the network that makes one vector of each row.

    Parameters
    ----------
    title : str
        What it is: the class of a branch, the name of a merge.
    options : tuple of (str, str), default=()
        Names and values of the parameters that say more.
    width : int, default=None
        Width of its output, None where that is not known.
    n_parameters : int, default=None
        Number of its weights, None where that is not known.
    """

    title: str
    options: tuple[tuple[str, str], ...] = ()
    width: int | None = None
    n_parameters: int | None = None

    @property
    def text(self) -> str:
        """What it is, as a user would write it.

        Returns
        -------
        str
            Such as ``"ConvBranch(filters=(16, 32))"``.
        """
        options = ", ".join(f"{name}={value}" if name else value for name, value in self.options)
        return f"{self.title}({options})" if options else self.title


@dataclass(frozen=True)
class InputPath:
    """An input, and what its rows pass before they are merged with others.

    Parameters
    ----------
    name : str
        Name of the input.
    kind : str, default=None
        Kind of the input, None where it is not known.
    columns : tuple of str, default=()
        Columns that feed it, empty where they are not known.
    rows : str, default=""
        Shape and dtype of a row.
    notes : tuple of str, default=()
        What else is known of its rows.
    branch : Part, default=None
        What reads it, None where that is not known.
    shares : str, default=None
        Name of the input whose weights the branch has.
    head : Part, default=None
        Its own head, where predictions are merged.
    """

    name: str
    kind: str | None = None
    columns: tuple[str, ...] = ()
    rows: str = ""
    notes: tuple[str, ...] = ()
    branch: Part | None = None
    shares: str | None = None
    head: Part | None = None


@dataclass(frozen=True)
class Drawing:
    """All there is to draw of an estimator.

    Parameters
    ----------
    title : str
        Class of the estimator.
    inputs : tuple of InputPath
        The inputs, in the order in which they are merged.
    others : str
        What is known of inputs that are not named, empty where there are none.
    merge : Part or None
        The merge, None where there is one input.
    head : Part or None
        The head, None where there is none.
    output : Part
        The last layer.
    n_parameters : int, default=None
        Number of all weights, None before fit.
    n_trainable : int, default=None
        Number of weights that are trained, None before fit.
    """

    title: str
    inputs: tuple[InputPath, ...]
    others: str
    merge: Part | None
    head: Part | None
    output: Part
    n_parameters: int | None = None
    n_trainable: int | None = None

    @property
    def is_fitted(self) -> bool:
        """Whether shapes and numbers are known.

        Returns
        -------
        bool
            True for a fitted estimator.
        """
        return self.n_parameters is not None

    @property
    def rest(self) -> int:
        """Number of weights that belong to none of the parts.

        Returns
        -------
        int
            Those of the linear models, the blend, normalised features, predictions of single
            inputs and further members; 0 where the network has none of these.
        """
        parts = [self.merge, self.head, self.output]
        for path in self.inputs:
            parts += [path.branch, path.head]
        return (self.n_parameters or 0) - sum(part.n_parameters or 0 for part in parts if part)


def describe(estimator: Any) -> Drawing:
    """Describe the network of an estimator.

    Parameters
    ----------
    estimator : MergedNetClassifier or MergedNetRegressor
        Fitted or not, its parameters valid or not.

    Returns
    -------
    Drawing
        What there is to draw.
    """
    if estimator.__sklearn_is_fitted__():
        return _fitted(estimator)
    return _unfitted(estimator)


def _fitted(estimator: Any) -> Drawing:
    plan, network = estimator._trainer._plan, estimator._trainer.model_
    specs = plan.inputs
    wires = wire_names(specs)
    own, owners = resolve_branches(specs, plan.branches or {})
    layers = {layer.name: layer for layer in network.layers}
    routed = getattr(estimator.router_, "inputs_", {})
    counts = _counts(layers)
    paths = tuple(
        InputPath(
            name,
            spec.kind,
            _columns(routed, spec),
            _rows(spec),
            tuple(_notes(spec)),
            _part(
                own[owners[name]],
                width=layers[f"{wires[name]}-features"].output.shape[-1],
                n_parameters=counts.get(wires[name], 0),
            ),
            None if owners[name] == name else owners[name],
            _own_head(plan.head, wires[name], layers, counts),
        )
        for name, spec in specs.items()
    )
    return Drawing(
        type(estimator).__name__,
        paths,
        "",
        _fitted_part("merge", plan.merge, layers),
        _fitted_part("head", plan.head, layers),
        _output(estimator, plan.target, layers.get("deep-output", layers["output"])),
        network.count_params(),
        sum(int(weight.shape.num_elements()) for weight in network.trainable_weights),
    )


def _counts(layers: Mapping[str, Any]) -> dict[str, int]:
    """Count the weights of each input's branch, what stands for its absence included."""
    counts: dict[str, int] = {}
    for name, layer in layers.items():
        wire, _, role = name.partition("-")
        key = f"{wire}-head" if role in {"head", "logits"} else wire
        counts[key] = counts.get(key, 0) + layer.count_params()
    return counts


def _own_head(
    head: Any, wire: str, layers: Mapping[str, Any], counts: Mapping[str, int]
) -> Part | None:
    logits = layers.get(f"{wire}-logits")
    if logits is None:
        return None
    return _head_part(
        head, width=logits.output.shape[-1], n_parameters=counts.get(f"{wire}-head", 0)
    )


def _fitted_part(name: str, value: Any, layers: Mapping[str, Any]) -> Part | None:
    layer = layers.get(name)
    if layer is None:
        return None
    make = _head_part if name == "head" else _part
    return make(value, width=layer.output.shape[-1], n_parameters=layer.count_params())


def _output(estimator: Any, target: Any, layer: Any) -> Part:
    options: tuple[tuple[str, str], ...] = ()
    if target.kind in {"binary", "multiclass"}:
        labels = getattr(estimator, "classes_", ())
        options = (("classes", _listed([str(label) for label in labels], 5)),)
    return Part(target.activation, options, target.n_outputs, layer.count_params())


def _columns(routed: Mapping[str, Any], spec: InputSpec) -> tuple[str, ...]:
    """Return the columns that feed an input, or the features of one that came routed."""
    if spec.name not in routed:
        return spec.feature_names
    columns = routed[spec.name].columns
    return tuple(map(str, columns)) if isinstance(columns, list) else (str(columns),)


def _rows(spec: InputSpec) -> str:
    return f"{spec.shape} {spec.dtype}{' sparse' if spec.sparse else ''}"


def _notes(spec: InputSpec) -> Iterable[str]:
    if spec.vocabulary_size is not None:
        yield f"vocabulary of {spec.vocabulary_size:,}"
    if spec.code_columns:
        n_codes = len(spec.code_columns)
        some = f"{n_codes} of {spec.shape[-1]} columns are categories"
        yield some if spec.number_columns else "categories only"
    if spec.optional:
        yield "may be absent"


def _unfitted(estimator: Any) -> Drawing:
    inputs = getattr(estimator.router, "inputs", "auto")
    named, branches = _by_name(inputs), _by_name(estimator.branches)
    late = getattr(_spec_of(resolve_merge, estimator.merge), "joins_predictions", False)
    head = _unfitted_head(estimator.head)
    paths = [
        _unfitted_path(name, named.get(name), branches, head if late else None)
        for name in dict.fromkeys([*named, *branches])
        if not _is_dropped(named.get(name))
    ]
    activation = getattr(estimator, "output_activation", None)
    return Drawing(
        type(estimator).__name__,
        tuple(paths),
        _other_inputs(estimator.router, bool(paths)),
        _unfitted_part(resolve_merge, estimator.merge),
        None if late else head,
        Part(activation or "set by y at fit"),
    )


def _by_name(value: Any) -> dict[str, Any]:
    return {str(name): v for name, v in value.items()} if isinstance(value, Mapping) else {}


def _unfitted_path(name: str, value: Any, branches: Mapping[Any, Any], head: Part | None) -> Any:
    encoder = encoder_of_input(value, name)
    given = branches.get(name, getattr(encoder, "default_branch", None))
    shares = given if isinstance(given, str) and given != name and given in branches else None
    branch: Part | None = None
    if shares is not None and _spec_of(resolve_branch, given) is None:
        branch = Part(f"weights of {shares!r}")
    elif given is not None:
        shares, branch = None, _unfitted_part(resolve_branch, given)
    columns = value[1] if isinstance(value, tuple) and len(value) == 2 else value
    if columns is None or (columns is value and (encoder is value or isinstance(value, str))):
        # a kind or an encoder alone reads the column of the input's name
        columns = name if value is not None else None
    kind = getattr(encoder, "kind", None)
    return InputPath(name, kind, _labels(columns), branch=branch, shares=shares, head=head)


def _labels(columns: Any) -> tuple[str, ...]:
    if columns is None:
        return ()
    if isinstance(columns, list):
        return tuple(map(str, columns))
    return (columns if isinstance(columns, str) else _value(columns),)


def _is_dropped(value: Any) -> bool:
    chosen = value[0] if isinstance(value, tuple) and value else value
    return isinstance(chosen, str) and chosen == "drop"


def _other_inputs(router: Any, some_named: bool) -> str:
    remainder = getattr(router, "remainder", "auto")
    which = "other inputs" if some_named else "inputs"
    if isinstance(remainder, str) and remainder == "drop":
        return ""
    if isinstance(remainder, str) and remainder == "auto":
        return f"{which} inferred from X at fit"
    encoder = encoder_of_remainder(remainder, None)
    return f"{which} of the columns left over: {_value(encoder or remainder)}"


def _unfitted_head(head: Any) -> Part | None:
    is_widths = isinstance(head, Iterable) and not isinstance(head, str | Mapping)
    if head is None or (is_widths and not is_keras_layer(head) and not tuple(head)):
        return None
    return _head_part(head)


def _unfitted_part(resolve: Callable[[Any], Any], value: Any) -> Part:
    spec = _spec_of(resolve, value)
    return Part(short_repr(value)) if spec is None else _part(spec)


def _spec_of(resolve: Callable[[Any], Any], value: Any) -> Any:
    try:
        return resolve(value)
    except ValueError:
        return None


def _part(spec: Any, width: int | None = None, n_parameters: int | None = None) -> Part:
    """Describe a branch or a merge by the parameters that are not its defaults."""
    if isinstance(spec, MergeList) and spec.units is None:
        merged = " + ".join(_part(merge).text for merge in spec.merges)
        return Part(merged, (), width, n_parameters)
    title = _SHORT_NAMES.get(type(spec), type(spec).__name__)
    return Part(title, tuple(_changed(spec)), width, n_parameters)


def _head_part(head: Any, width: int | None = None, n_parameters: int | None = None) -> Part:
    if isinstance(head, Branch):
        return _part(head, width, n_parameters)
    if is_keras_layer(head):
        return Part(_value(head), (), width, n_parameters)
    is_widths = isinstance(head, Iterable) and not isinstance(head, str | Mapping)
    return Part(str(tuple(head)) if is_widths else short_repr(head), (), width, n_parameters)


def _changed(spec: Any) -> Iterable[tuple[str, str]]:
    for name, parameter in inspect.signature(type(spec).__init__).parameters.items():
        if name == "self" or not hasattr(spec, name):
            continue
        value = getattr(spec, name)
        # by repr, as scikit-learn compares them: arrays have no one truth value
        if parameter.default is parameter.empty or repr(value) != repr(parameter.default):
            yield name, _value(value)


def _value(value: Any) -> str:
    """Write a value shortly; a network of the user's by its class and name."""
    if is_keras_layer(value):
        return f"{type(value).__name__} {value.name!r}"
    if isinstance(value, list | tuple) and value and all(isinstance(v, Merge) for v in value):
        return " + ".join(_part(merge).text for merge in value)
    if callable(value) and hasattr(value, "__name__"):
        return value.__name__
    return short_repr(value)


def _listed(texts: list[str], at_most: int) -> str:
    shown = ", ".join(printable(text) for text in texts[:at_most])
    return shown if len(texts) <= at_most else f"{shown}, ... ({len(texts)} in all)"


def printable(text: str) -> str:
    """Write a name that may hold anything, on one line.

    Parameters
    ----------
    text : str
        The name.

    Returns
    -------
    str
        The name, or its ``repr`` if it holds line breaks or control characters.
    """
    return text if text.isprintable() else repr(text)
