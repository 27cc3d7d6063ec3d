"""Saving an estimator: as a file that holds no code, and its network alone for Keras."""

from __future__ import annotations

import os
from typing import Any

from sklearn.utils.validation import check_is_fitted


class SavesItself:
    """Mixin: ``save`` and ``export_keras``. Goes to the left of ``BaseEstimator``."""

    _trainer: Any

    def save(self, path: str | os.PathLike[str]) -> None:
        """Write this estimator into a file that holds no code, to be read by `skmerge.load`.

        Loaded, the estimator predicts the same, and goes on training where it was. A pickle of it
        works as well, but whoever loads a pickle runs what is in it. `skmerge.save` tells of the
        file.

        Parameters
        ----------
        path : str or path-like
            Where to write, as in ``"model.skmerge"``. A file that is there is replaced once the
            new one is whole.

        Raises
        ------
        ValueError
            If a parameter cannot be put into such a file, such as a function without a name; the
            message says which.
        OSError
            If the file cannot be written. A file that was there is left as it was.
        """
        from skmerge._persistence import save

        save(self, path)

    def export_keras(self, path: str | os.PathLike[str]) -> None:
        """Write the network alone into a file of Keras, without encoders and parameters.

        ``keras.saving.load_model`` reads it once ``skmerge._layers`` is imported, which registers
        its layers. It takes the arrays of `skmerge.network.network_inputs`, as a dict.

        Parameters
        ----------
        path : str or path-like
            Where to write; it must end in ``.keras``.

        Raises
        ------
        ValueError
            If the path has another ending, or a layer of your own has no configuration.
        NotFittedError
            If the estimator is not fitted.
        """
        check_is_fitted(self)
        if not os.fspath(path).endswith(".keras"):
            raise ValueError(f"The 'path' must end in '.keras'. Got {os.fspath(path)!r}.")
        self._trainer.network.model.save(path)
