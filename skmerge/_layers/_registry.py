"""Registration of the layers for saving, under the package name of skmerge."""

from __future__ import annotations

import keras

register = keras.saving.register_keras_serializable(package="skmerge")
