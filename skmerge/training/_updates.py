"""Updates of the weights by their gradients, in as few operations as TensorFlow has for them.

Enters: a compiled network, and the gradients of one step. Leaves: new values of its weights and of
the optimizer's variables. Keras composes an update of a dozen operations for each variable, and
turns the gradient of an embedding into a matrix of all its rows; here Adam, AdamW and SGD are one
kernel for each variable, and only the rows that a batch looked up are touched.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import keras
import tensorflow as tf

from skmerge.training._replicas import own_variable

#: A table of no more numbers than this is updated whole: that is one kernel, rows are ten.
WHOLE_TABLE = 2**16


class RowsGradient(NamedTuple):
    """The gradient of some rows of a table, each row once.

    Parameters
    ----------
    rows : Tensor of shape (n_rows,), integer
        Which rows.
    values : Tensor of shape (n_rows, width)
        Their gradients.
    """

    rows: Any
    values: Any


class Updates:
    """How the weights of one compiled network are updated.

    Adam, AdamW and SGD (with or without momentum, clipping and weight decay) update tables of more
    than 65,536 numbers lazily, as TensorFlow Addons' ``LazyAdam`` did: the moments and the decay
    of a row stand still while no batch looks it up. All else is as Keras computes it, and every
    other optimizer is Keras's own.

    Parameters
    ----------
    model : keras.Model
        A compiled model, its optimizer built.
    """

    def __init__(self, model: keras.Model) -> None:
        self._optimizer = model.optimizer
        self._variables = model.trainable_variables
        self._update = _kernel(self._optimizer, self._variables)
        decay = self._optimizer.weight_decay
        self._has_decay = decay is not None
        # a variable, so that a search over it needs no other graph
        self.weight_decay = tf.Variable(decay or 0.0, trainable=False, dtype=tf.float32)

    @property
    def by_rows(self) -> bool:
        """Whether tables are updated by the rows that were looked up."""
        return self._update is not None

    def apply(self, gradients: list[Any], of_replicas: bool = False) -> None:
        """Update the weights, inside a traced function.

        Parameters
        ----------
        gradients : list of Tensor, IndexedSlices, RowsGradient or None
            One for each trainable variable; None leaves it as it is.
        of_replicas : bool, default=False
            Whether this is one of several replicas, whose gradients are added up.
        """
        optimizer = self._optimizer
        pairs = [
            (variable, gradient)
            for variable, gradient in zip(self._variables, gradients, strict=True)
            if gradient is not None
        ]
        if self._update is None:
            # which adds up those of replicas
            optimizer.apply_gradients([(gradient, variable) for variable, gradient in pairs])
            return
        if of_replicas:
            pairs = _summed(pairs)
        rate = tf.cast(tf.convert_to_tensor(optimizer.learning_rate), tf.float32)
        step = own_variable(optimizer.iterations).assign_add(1, read_value=True)
        update = self._update(optimizer, rate, tf.cast(step, tf.float32))
        settled = [(variable, _settled(gradient, variable)) for variable, gradient in pairs]
        for variable, gradient in _clipped(optimizer, settled):
            if self._has_decay and optimizer._use_weight_decay(variable):
                self._decay(variable, gradient, rate)
            update(variable, gradient)

    def _decay(self, variable: Any, gradient: Any, rate: Any) -> None:
        share = self.weight_decay * rate
        table = own_variable(variable)
        if isinstance(gradient, RowsGradient):
            decayed = tf.gather(table, gradient.rows) * share
            table.scatter_sub(tf.IndexedSlices(decayed, gradient.rows))
        else:
            table.assign_sub(table * share)


class _Adam:
    """Kingma 2015, "Adam", algorithm 1, in the form before section 2.1, as in Keras."""

    def __init__(self, optimizer: Any, rate: Any, step: Any) -> None:
        self.optimizer = optimizer
        self.betas = optimizer.beta_1, optimizer.beta_2
        self.powers = [tf.pow(tf.constant(beta, tf.float32), step) for beta in self.betas]
        self.rate = rate
        self.scaled = rate * tf.sqrt(1 - self.powers[1]) / (1 - self.powers[0])

    def __call__(self, variable: Any, gradient: Any) -> None:
        optimizer = self.optimizer
        position = optimizer._get_variable_index(variable)
        mean = own_variable(optimizer._momentums[position])
        square = own_variable(optimizer._velocities[position])
        table = own_variable(variable)
        if not isinstance(gradient, RowsGradient):
            tf.raw_ops.ResourceApplyAdam(
                var=table.handle,
                m=mean.handle,
                v=square.handle,
                beta1_power=self.powers[0],
                beta2_power=self.powers[1],
                lr=self.rate,
                beta1=self.betas[0],
                beta2=self.betas[1],
                epsilon=optimizer.epsilon,
                grad=gradient,
            )
            return
        rows, values = gradient
        new_mean, new_square = tf.gather(mean, rows), tf.gather(square, rows)
        new_mean += (values - new_mean) * (1 - self.betas[0])
        new_square += (tf.square(values) - new_square) * (1 - self.betas[1])
        change = self.scaled * new_mean / (tf.sqrt(new_square) + optimizer.epsilon)
        mean.scatter_update(tf.IndexedSlices(new_mean, rows))
        square.scatter_update(tf.IndexedSlices(new_square, rows))
        table.scatter_sub(tf.IndexedSlices(change, rows))


class _SGD:
    """Gradient descent, with momentum as in Keras."""

    def __init__(self, optimizer: Any, rate: Any, step: Any) -> None:
        self.optimizer = optimizer
        self.rate = rate

    def __call__(self, variable: Any, gradient: Any) -> None:
        momentum = self.optimizer.momentum
        table = own_variable(variable)
        by_rows = isinstance(gradient, RowsGradient)
        if not momentum:
            if by_rows:
                change = tf.IndexedSlices(self.rate * gradient.values, gradient.rows)
                table.scatter_sub(change)
            else:
                table.assign_sub(self.rate * gradient)
            return
        position = self.optimizer._get_variable_index(variable)
        shared = {
            "var": table.handle,
            "accum": own_variable(self.optimizer.momentums[position]).handle,
            "lr": self.rate,
            "momentum": momentum,
            "use_nesterov": self.optimizer.nesterov,
        }
        if by_rows:
            tf.raw_ops.ResourceSparseApplyKerasMomentum(
                **shared, grad=gradient.values, indices=gradient.rows
            )
        else:
            tf.raw_ops.ResourceApplyKerasMomentum(**shared, grad=gradient)


_KERNELS = {keras.optimizers.Adam: _Adam, keras.optimizers.AdamW: _Adam, keras.optimizers.SGD: _SGD}


def _kernel(optimizer: Any, variables: list[Any]) -> Any:
    """Return the class of the updates, None where Keras does more than these."""
    kernel = _KERNELS.get(type(optimizer))
    does_more = (
        getattr(optimizer, "amsgrad", False)
        or optimizer.use_ema
        or optimizer.loss_scale_factor is not None
        or optimizer.gradient_accumulation_steps
        or any(variable.constraint is not None for variable in variables)
        or any(getattr(variable, "overwrite_with_gradient", False) for variable in variables)
        or any(variable.dtype != "float32" for variable in variables)
    )
    return None if does_more else kernel


def _summed(pairs: list[Any]) -> list[Any]:
    """Add up the gradients of all replicas, within one of them.

    Those of rows are added up as tables, beside the rows that any replica looked up: gathering
    rows would need equally many from each.
    """
    settled = [_settled(gradient, variable) for variable, gradient in pairs]
    whole, looked_up = [], {}
    for position, (gradient, (variable, _)) in enumerate(zip(settled, pairs, strict=True)):
        if not isinstance(gradient, RowsGradient):
            whole.append(gradient)
            continue
        rows, values = gradient
        n_rows = variable.shape[0]
        whole.append(tf.math.unsorted_segment_sum(values, rows, n_rows))
        ones = tf.ones_like(rows, tf.float32)
        looked_up[position] = tf.math.unsorted_segment_sum(ones, rows, n_rows)
    context = tf.distribute.get_replica_context()
    sums = context.all_reduce(tf.distribute.ReduceOp.SUM, [*whole, *looked_up.values()])
    for position, counts in zip(looked_up, sums[len(whole) :], strict=True):
        rows = tf.where(counts > 0)[:, 0]
        sums[position] = RowsGradient(rows, tf.gather(sums[position], rows))
    return [(variable, gradient) for (variable, _), gradient in zip(pairs, sums, strict=False)]


def _settled(gradient: Any, variable: Any) -> Any:
    """Sum the gradients of a row that was looked up several times; make small tables dense."""
    if not isinstance(gradient, tf.IndexedSlices):
        return gradient  # dense, or of rows that are each there once
    indices = tf.reshape(gradient.indices, [-1])
    values = tf.reshape(gradient.values, [-1, *variable.shape[1:]])
    if is_small(variable):
        return tf.math.unsorted_segment_sum(values, indices, variable.shape[0])
    rows, positions = tf.unique(indices)
    return RowsGradient(rows, tf.math.unsorted_segment_sum(values, positions, tf.size(rows)))


def is_small(variable: Any) -> bool:
    """Say whether a table is updated whole.

    Parameters
    ----------
    variable : keras.Variable
        The table.

    Returns
    -------
    bool
        True if it has at most 65,536 numbers.
    """
    return variable.shape.num_elements() <= WHOLE_TABLE


def _clipped(optimizer: Any, pairs: list[Any]) -> list[Any]:
    """Clip as Keras does; rows that were not looked up have a gradient of zero."""
    values = [g.values if isinstance(g, RowsGradient) else g for _, g in pairs]
    if optimizer.clipnorm:
        values = [tf.clip_by_norm(value, optimizer.clipnorm) for value in values]
    elif optimizer.global_clipnorm:
        values, _ = tf.clip_by_global_norm(values, optimizer.global_clipnorm)
    elif optimizer.clipvalue:
        limit = optimizer.clipvalue
        values = [tf.clip_by_value(value, -limit, limit) for value in values]
    else:
        return pairs
    clipped = []
    for (variable, gradient), value in zip(pairs, values, strict=True):
        by_rows = isinstance(gradient, RowsGradient)
        clipped.append((variable, RowsGradient(gradient.rows, value) if by_rows else value))
    return clipped
