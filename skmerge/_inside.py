"""What can be seen of a network, as methods of the estimators.

Enters: rows. Leaves: the merged features, the features of each branch, and the weights that the
merge gives to the inputs; and without rows, the network drawn.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from sklearn.base import ClassNamePrefixFeaturesOutMixin, TransformerMixin
from sklearn.utils.validation import check_is_fitted

from skmerge._diagram import network_html
from skmerge._drawing import network_text


class ReadsInside(ClassNamePrefixFeaturesOutMixin, TransformerMixin):
    """Mixin of the estimators: the parts of a network, in numbers and drawn."""

    def transform(self, X: Any) -> np.ndarray:
        """Return the merged features, which the head reads.

        Parameters
        ----------
        X : DataFrame, MultiInput, matrix, sparse matrix, dict of arrays or list of inputs
            The rows, in the form that ``fit`` was given.

        Returns
        -------
        ndarray of shape (n_samples, n_units), dtype float32
            The output of the merge; of the branch if there is one input. With
            ``merge="late"`` the joined predictions before the activation.

        Examples
        --------
        >>> import numpy as np
        >>> from skmerge import MergedNetRegressor
        >>> X = {"left": np.ones((8, 2)), "right": np.ones((8, 3))}
        >>> reg = MergedNetRegressor(epochs=1).fit(X, np.arange(8.0))
        >>> reg.transform(X).shape
        (8, 128)
        """
        return self._read("merged", X)[0]

    def branch_outputs(self, X: Any) -> dict[str, np.ndarray]:
        """Return the features that each branch makes of its input.

        Parameters
        ----------
        X : DataFrame, MultiInput, matrix, sparse matrix, dict of arrays or list of inputs
            The rows, in the form that ``fit`` was given.

        Returns
        -------
        dict of str to ndarray of shape (n_samples, n_units), dtype float32
            The features by input name; for rows without an input, the learned vector that stands
            for its absence.
        """
        from skmerge.network import wire_names

        features, specs = self._read("branches", X)
        return {name: features[wire] for name, wire in wire_names(specs).items()}

    def gates(self, X: Any) -> dict[str, np.ndarray]:
        """Return the weights that the merge gives to each input, row by row.

        Parameters
        ----------
        X : DataFrame, MultiInput, matrix, sparse matrix, dict of arrays or list of inputs
            The rows, in the form that ``fit`` was given.

        Returns
        -------
        dict of str to ndarray of shape (n_samples, n_weights), dtype float32
            The weights by input name: one per unit for ``"gated"``, one per head for
            ``"attention"``, one for ``"late"``; those of the merges of a list side by side.

        Raises
        ------
        ValueError
            If the merge has no such weights.
        """
        weights, specs = self._read("gates", X)
        if weights is None:
            raise ValueError(
                "A merge must weigh the inputs for gates to be read: 'gated', 'attention', or "
                f"'late' unless it is stacked, of at least two inputs. Got merge={self.merge!r} "
                f"of {len(specs)} input{'' if len(specs) == 1 else 's'}."
            )
        return {name: weights[:, position] for position, name in enumerate(specs)}

    def summary(self, print_fn: Any = None) -> None:
        """Print the network: its inputs, their branches, the merge, the head and the output.

        Once fitted with shapes and numbers of parameters; before that, what is known without
        data. The HTML repr shows the same.

        Parameters
        ----------
        print_fn : callable, default=None
            What gets the text, as one string; None is ``print``.
        """
        (print if print_fn is None else print_fn)(network_text(self))

    def _html_repr(self) -> str:
        return network_html(self)

    @property
    def _n_features_out(self) -> int:
        return self._trainer.model_.get_layer("merged-features").output.shape[-1]

    def _read(self, part: str, X: Any) -> Any:
        check_is_fitted(self)
        from skmerge.network import network_inputs

        routed = self._encode(self.router_, X, self.specs_)
        values = self._trainer.reading(part, network_inputs(routed), len(routed))
        return values, self.specs_
