"""The estimators: a DataFrame and targets go in, predictions come out."""

from __future__ import annotations

from typing import Any, Self

import numpy as np
from sklearn.base import ClassifierMixin, RegressorMixin
from sklearn.utils._param_validation import StrOptions

from skmerge._merged_net import MergedNet
from skmerge._targets import ClassTargets, NumberTargets


class MergedNetClassifier(ClassifierMixin, MergedNet):
    """Classifier that trains one network on pictures, text, tags and table columns together.

    Each input is read by a branch of its own, a subnetwork that ends in one vector of features;
    the vectors are merged, and a head predicts the class.

    Parameters
    ----------
    merge : str, Merge, Keras layer or list of those, default="concat"
        How the features of the branches are joined: ``"concat"``, ``"sum"``, ``"subtract"``,
        ``"multiply"``, ``"average"``, ``"maximum"``, ``"minimum"``, ``"dot"``, ``"cosine"``,
        ``"compare"``, ``"gated"``, ``"bilinear"``, ``"film"``, ``"attention"``, ``"mrnn"`` or
        ``"late"``, a merging layer of Keras, or a list, whose outputs are concatenated.
    router : ColumnRouter, default=None
        Splits X into inputs. None is ``ColumnRouter()``. A `MultiInput` is taken as it is.
    branches : dict, default=None
        Input names mapped to what reads them: a short name (``"dense"``, ``"embedding"``,
        ``"conv"``, ``"recurrent"``, ``"attention"``, ``"conv1d"``), a branch such as
        ``ConvBranch(filters=(16, 32))``, a Keras model or layer of your own, or the name of
        another input, whose weights are then shared. Inputs not named get the branch of their
        kind.
    head : tuple of int, Keras layer or None, default=(64,)
        Widths of the hidden layers between merge and output, or a network of your own there.
    dropout : float, default=0.2
        Fraction of the merged features, and of each hidden layer of the head, dropped in training.
    input_dropout : float, default=0.0
        Probability of each input of a row to be taken away in training, as if the row lacked it.
        The network learns to do without; rows to predict may then lack any input, be it that its
        columns are not there at all.
    normalize_features : bool, default=True
        Whether the features of each branch are normalised in each row (layer normalisation, Ba
        2016) before several are merged, so that none outweighs or, in a product, starves the
        others. Not those of Keras objects of your own, of fewer than eight units, or of ``"late"``.
    optimizer : str, class or instance of keras.optimizers.Optimizer, default="adam"
        The optimizer. An instance is copied for every fit. Adam, AdamW and SGD update embedding
        tables of more than 65,536 numbers lazily: only the rows of words in the batch move, and
        their moments and weight decay stand still in between (Keras updates all rows in each step).
    learning_rate : float, Keras schedule, "auto" or None, default="auto"
        Learning rate of the optimizer; None leaves its own. ``"auto"`` is 0.002 for the optimizer
        named ``"adam"``, and None for all others.
    loss : str, class or instance of keras.losses.Loss, or callable, default=None
        The loss; None is the cross-entropy of the target. Losses named "categorical" get one
        column per class.
    metrics : str, Keras metric, callable or list of those, default=None
        What is computed beside the loss after each epoch; None is the accuracy.
    epochs : int, default=40
        Passes over the training rows, at most.
    batch_size : int or "auto", default="auto"
        Rows per step. ``"auto"`` takes about 200 steps an epoch, of 32 to 256 rows, or of 16 if
        there are fewer than 1,000 rows in all.
    shuffle : bool, default=True
        Whether the rows come in another order in each epoch.
    early_stopping : bool or "auto", default="auto"
        Whether to stop when the validation loss no longer falls, and to keep the weights of the
        best epoch, averaged with those of other good ones as far as that lowers this loss (the
        greedy soup of Wortsman et al. 2022, "Model soups", recipe 1). Validates on
        `validation_data` of ``fit``, or on a part of the training rows. ``"auto"`` is True from 200
        rows on.
    validation_fraction : float, default=0.1
        Fraction of the training rows held out for early stopping, stratified by class. The router
        is fitted on them as well, so that no word or category is unknown that only they have.
    n_iter_no_change : int or "auto", default="auto"
        Epochs without improvement before early stopping. ``"auto"`` is 5, or as many as make 500
        steps where an epoch has fewer than 100.
    tol : float, default=1e-4
        Improvement of the validation loss that counts.
    wide : bool, default=True
        Whether a linear model of words and pairs of words (TF-IDF), tags, categories and numbers
        (few numbers also two by two) predicts beside the deep network, as in Cheng 2016, "Wide &
        Deep Learning". It is fitted by itself, and the validation rows decide how strongly it is
        penalised, each input by itself, and on the shares of all, which also calibrates the
        predictions; without it they are calibrated alone. Nothing of that is done without early
        stopping, or with a `loss` of your own, and there is no linear model with `input_dropout`,
        which it could not be taught. Later calls with `warm_start`, and ``partial_fit``, leave the
        linear model and the shares as they are. `loss_curve_` and `history_` are the deep
        network's.
    auxiliary : float, default=0.3
        Weight of the mean of further losses: those of what the features of each input alone
        predict, by a linear layer. They keep each branch learning, and where the validation rows
        show it to be of use, such a prediction has a share beside that of the merged network and
        the linear model. Like these shares, only with early stopping and without a `loss` of your
        own. 0 for none; losses and metrics reported are those of the merged network.
    n_members : int or "auto", default="auto"
        How many deep networks are trained at once, alike but for their initial weights, whose
        predictions are averaged: they err in different places (Lakshminarayanan et al. 2017, "Deep
        Ensembles"). ``"auto"`` is 3, but with more than 33,000 training rows, or more values than
        4,000 pictures of 64 x 64 pixels have, 2, and from one and a half times as many on 1. Like
        `wide`, only with early stopping and without a `loss` of your own; else there is one. What
        is read inside the network (features, gates, saliency) is the first one's.
    class_weight : dict or "balanced", default=None
        Weights of the classes by label; ``"balanced"`` weighs them inversely to their frequency.
    callbacks : Keras callback, class of one, or list of those, default=None
        Called during training. Instances are copied for every fit; what they saw is in the
        copies, ``callbacks_``.
    warm_start : bool, default=False
        Whether another ``fit`` goes on from the present router and weights.
    random_state : int, RandomState instance or None, default=None
        Seed of the weights, the dropout, the order of rows and the rows held out. The same int
        gives the same network.
    verbose : int, default=0
        0 is silent, otherwise one line is printed per epoch.

    Attributes
    ----------
    classes_ : ndarray of shape (n_classes,)
        The labels; for a matrix of several labels the numbers of its columns.
    router_ : ColumnRouter or None
        The fitted router, None where X was a `MultiInput`.
    specs_ : dict of str to InputSpec
        Description of the inputs.
    model_ : keras.Model
        The trained network. Its inputs are a dict by input name. It is yours: later fits of other
        estimators use the networks of those that are gone, but none that was taken from here.
    history_ : dict of str to list of float
        Loss and metrics of each epoch, those of validation rows with the prefix ``val_``.
    loss_curve_ : list of float
        Training loss of each epoch.
    best_loss_ : float
        The lowest of these.
    validation_scores_ : list of float or None
        Accuracy on the validation rows after each epoch.
    n_iter_ : int
        Number of epochs trained.
    callbacks_ : list of keras.callbacks.Callback
        The callbacks as the last fit used them; a pickle does not keep them.
    n_features_in_ : int
        Number of columns seen during ``fit``.
    feature_names_in_ : ndarray of shape (n_features_in_,)
        Their names, where they are all strings.

    See Also
    --------
    MergedNetRegressor : The same for numbers.
    ColumnRouter : Decides on the inputs.

    Notes
    -----
    ``fit`` in the scope of a ``tf.distribute.MirroredStrategy`` trains on all of its devices, with
    the batches of one device and the loss of the whole batch.

    Examples
    --------
    >>> import pandas as pd
    >>> from skmerge import MergedNetClassifier
    >>> frame = pd.DataFrame({
    ...     "age": [20, 31, 45, 28] * 10,
    ...     "note": ["fits well", "too small", "fits very well", "sent it back"] * 10,
    ... })
    >>> y = ["keep", "return", "keep", "return"] * 10
    >>> clf = MergedNetClassifier(epochs=5, random_state=0).fit(frame, y)
    >>> clf.predict_proba(frame).shape
    (40, 2)
    """

    classes_: np.ndarray

    _score_metric = "accuracy"
    _parameter_constraints = {
        **MergedNet._parameter_constraints,
        "class_weight": [dict, StrOptions({"balanced"}), None],
    }

    def __init__(
        self,
        merge: Any = "concat",
        *,
        router: Any = None,
        branches: Any = None,
        head: Any = (64,),
        dropout: float = 0.2,
        input_dropout: float = 0.0,
        normalize_features: bool = True,
        optimizer: Any = "adam",
        learning_rate: Any = "auto",
        loss: Any = None,
        metrics: Any = None,
        epochs: int = 40,
        batch_size: int | str = "auto",
        shuffle: bool = True,
        early_stopping: bool | str = "auto",
        validation_fraction: float = 0.1,
        n_iter_no_change: int | str = "auto",
        tol: float = 1e-4,
        wide: bool = True,
        auxiliary: float = 0.3,
        n_members: int | str = "auto",
        class_weight: Any = None,
        callbacks: Any = None,
        warm_start: bool = False,
        random_state: Any = None,
        verbose: int = 0,
    ) -> None:
        self.merge = merge
        self.router = router
        self.branches = branches
        self.head = head
        self.dropout = dropout
        self.input_dropout = input_dropout
        self.normalize_features = normalize_features
        self.optimizer = optimizer
        self.learning_rate = learning_rate
        self.loss = loss
        self.metrics = metrics
        self.epochs = epochs
        self.batch_size = batch_size
        self.shuffle = shuffle
        self.early_stopping = early_stopping
        self.validation_fraction = validation_fraction
        self.n_iter_no_change = n_iter_no_change
        self.tol = tol
        self.wide = wide
        self.auxiliary = auxiliary
        self.n_members = n_members
        self.class_weight = class_weight
        self.callbacks = callbacks
        self.warm_start = warm_start
        self.random_state = random_state
        self.verbose = verbose

    def partial_fit(self, X: Any, y: Any, classes: Any = None, sample_weight: Any = None) -> Self:
        """Train for one epoch, going on from the present weights.

        The first call fits the router on its rows; later calls keep it.

        Parameters
        ----------
        X : DataFrame, MultiInput, matrix, sparse matrix, dict of arrays or list of inputs
            Training rows.
        y : array-like of shape (n_samples,) or (n_samples, n_labels)
            Their labels.
        classes : array-like of shape (n_classes,), default=None
            All labels there will be, for the first call; None takes those of `y`.
        sample_weight : array-like of shape (n_samples,), default=None
            Weights of the rows.

        Returns
        -------
        MergedNetClassifier
            This estimator.

        Raises
        ------
        ValueError
            If the rows or labels cannot be used; a label not seen in the first call is named.
        """
        return self._train(
            X,
            y,
            sample_weight,
            epochs=1,
            continued=self.__sklearn_is_fitted__(),
            classes=classes,
        )

    def predict(self, X: Any) -> np.ndarray:
        """Predict the class of each row.

        Parameters
        ----------
        X : DataFrame, MultiInput, matrix, sparse matrix, dict of arrays or list of inputs
            The rows, in the form that ``fit`` was given.

        Returns
        -------
        ndarray of shape (n_samples,) or (n_samples, n_labels)
            The labels.
        """
        outputs = self._outputs(X)
        return self.targets_.labels(outputs)

    def predict_proba(self, X: Any) -> np.ndarray:
        """Predict the probability of each class.

        Parameters
        ----------
        X : DataFrame, MultiInput, matrix, sparse matrix, dict of arrays or list of inputs
            The rows, in the form that ``fit`` was given.

        Returns
        -------
        ndarray of shape (n_samples, n_classes), dtype float32
            Probabilities in the order of ``classes_``. Each row sums to 1, except for a matrix of
            several labels, each of which has a probability of its own.
        """
        outputs = self._outputs(X)
        return self.targets_.probabilities(outputs)

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.classifier_tags.multi_label = True
        return tags

    def _new_targets(self, y: np.ndarray, training: Any, classes: Any) -> ClassTargets:
        return ClassTargets(y, one_hot=_is_categorical(self.loss), classes=classes)


class MergedNetRegressor(RegressorMixin, MergedNet):
    """Regressor that trains one network on pictures, text, tags and table columns together.

    Each input is read by a branch of its own, a subnetwork that ends in one vector of features;
    the vectors are merged, and a head predicts one or several numbers.

    Parameters
    ----------
    merge : str, Merge, Keras layer or list of those, default="concat"
        How the features of the branches are joined: ``"concat"``, ``"sum"``, ``"subtract"``,
        ``"multiply"``, ``"average"``, ``"maximum"``, ``"minimum"``, ``"dot"``, ``"cosine"``,
        ``"compare"``, ``"gated"``, ``"bilinear"``, ``"film"``, ``"attention"``, ``"mrnn"`` or
        ``"late"``, a merging layer of Keras, or a list, whose outputs are concatenated.
    router : ColumnRouter, default=None
        Splits X into inputs. None is ``ColumnRouter()``. A `MultiInput` is taken as it is.
    branches : dict, default=None
        Input names mapped to what reads them: a short name (``"dense"``, ``"embedding"``,
        ``"conv"``, ``"recurrent"``, ``"attention"``, ``"conv1d"``), a branch such as
        ``ConvBranch(filters=(16, 32))``, a Keras model or layer of your own, or the name of
        another input, whose weights are then shared. Inputs not named get the branch of their
        kind.
    head : tuple of int, Keras layer or None, default=(64,)
        Widths of the hidden layers between merge and output, or a network of your own there.
    dropout : float, default=0.2
        Fraction of the merged features, and of each hidden layer of the head, dropped in training.
    input_dropout : float, default=0.0
        Probability of each input of a row to be taken away in training, as if the row lacked it.
        The network learns to do without; rows to predict may then lack any input, be it that its
        columns are not there at all.
    normalize_features : bool, default=True
        Whether the features of each branch are normalised in each row (layer normalisation, Ba
        2016) before several are merged, so that none outweighs or, in a product, starves the
        others. Not those of Keras objects of your own, of fewer than eight units, or of ``"late"``.
    optimizer : str, class or instance of keras.optimizers.Optimizer, default="adam"
        The optimizer. An instance is copied for every fit. Adam, AdamW and SGD update embedding
        tables of more than 65,536 numbers lazily: only the rows of words in the batch move, and
        their moments and weight decay stand still in between (Keras updates all rows in each step).
    learning_rate : float, Keras schedule, "auto" or None, default="auto"
        Learning rate of the optimizer; None leaves its own. ``"auto"`` is 0.002 for the optimizer
        named ``"adam"``, and None for all others.
    loss : str, class or instance of keras.losses.Loss, or callable, default=None
        The loss; None is the mean squared error.
    metrics : str, Keras metric, callable or list of those, default=None
        What is computed beside the loss after each epoch, on the standardised targets; None is
        R2.
    epochs : int, default=40
        Passes over the training rows, at most.
    batch_size : int or "auto", default="auto"
        Rows per step. ``"auto"`` takes about 200 steps an epoch, of 32 to 256 rows, or of 16 if
        there are fewer than 1,000 rows in all.
    shuffle : bool, default=True
        Whether the rows come in another order in each epoch.
    early_stopping : bool or "auto", default="auto"
        Whether to stop when the validation loss no longer falls, and to keep the weights of the
        best epoch, averaged with those of other good ones as far as that lowers this loss (the
        greedy soup of Wortsman et al. 2022, "Model soups", recipe 1). Validates on
        `validation_data` of ``fit``, or on a part of the training rows. ``"auto"`` is True from 200
        rows on.
    validation_fraction : float, default=0.1
        Fraction of the training rows held out for early stopping. The router is fitted on them as
        well, so that no word or category is unknown that only they have.
    n_iter_no_change : int or "auto", default="auto"
        Epochs without improvement before early stopping. ``"auto"`` is 5, or as many as make 500
        steps where an epoch has fewer than 100.
    tol : float, default=1e-4
        Improvement of the validation loss that counts.
    wide : bool, default=True
        Whether a linear model of words and pairs of words (TF-IDF), tags, categories and numbers
        (few numbers also two by two) predicts beside the deep network, as in Cheng 2016, "Wide &
        Deep Learning". It is fitted by itself, and the validation rows decide how strongly it is
        penalised, each input by itself, and on the shares of all, which also calibrates the
        predictions; without it they are calibrated alone. Nothing of that is done without early
        stopping, or with a `loss` of your own, and there is no linear model with `input_dropout`,
        which it could not be taught. Later calls with `warm_start`, and ``partial_fit``, leave the
        linear model and the shares as they are. `loss_curve_` and `history_` are the deep
        network's.
    auxiliary : float, default=0.3
        Weight of the mean of further losses: those of what the features of each input alone
        predict, by a linear layer. They keep each branch learning, and where the validation rows
        show it to be of use, such a prediction has a share beside that of the merged network and
        the linear model. Like these shares, only with early stopping and without a `loss` of your
        own. 0 for none; losses and metrics reported are those of the merged network.
    n_members : int or "auto", default="auto"
        How many deep networks are trained at once, alike but for their initial weights, whose
        predictions are averaged: they err in different places (Lakshminarayanan et al. 2017, "Deep
        Ensembles"). ``"auto"`` is 3, but with more than 33,000 training rows, or more values than
        4,000 pictures of 64 x 64 pixels have, 2, and from one and a half times as many on 1. Like
        `wide`, only with early stopping and without a `loss` of your own; else there is one. What
        is read inside the network (features, gates, saliency) is the first one's.
    standardize_target : bool, default=True
        Whether the network learns targets of mean 0 and standard deviation 1. Predictions are in
        the targets' own scale either way. Set it to False for losses that need the scale, such
        as ``"poisson"``.
    clip_predictions : bool, default=True
        Whether predictions stay within the range of the training targets of each output, those of
        rows held out and of earlier `partial_fit` included, as those of trees do: no negative
        counts, no grades beyond the best.
    output_activation : str, default=None
        Keras activation of the last layer; None is linear. ``"exponential"`` or ``"softplus"``
        keeps predictions positive, if `standardize_target` is False.
    callbacks : Keras callback, class of one, or list of those, default=None
        Called during training. Instances are copied for every fit; what they saw is in the
        copies, ``callbacks_``.
    warm_start : bool, default=False
        Whether another ``fit`` goes on from the present router and weights.
    random_state : int, RandomState instance or None, default=None
        Seed of the weights, the dropout, the order of rows and the rows held out. The same int
        gives the same network.
    verbose : int, default=0
        0 is silent, otherwise one line is printed per epoch.

    Attributes
    ----------
    router_ : ColumnRouter or None
        The fitted router, None where X was a `MultiInput`.
    specs_ : dict of str to InputSpec
        Description of the inputs.
    model_ : keras.Model
        The trained network. Its inputs are a dict by input name; its outputs are standardised. It
        is yours: later fits of other estimators use the networks of those that are gone, but none
        that was taken from here.
    history_ : dict of str to list of float
        Loss and metrics of each epoch, those of validation rows with the prefix ``val_``.
    loss_curve_ : list of float
        Training loss of each epoch.
    best_loss_ : float
        The lowest of these.
    validation_scores_ : list of float or None
        R2 on the validation rows after each epoch.
    n_iter_ : int
        Number of epochs trained.
    callbacks_ : list of keras.callbacks.Callback
        The callbacks as the last fit used them; a pickle does not keep them.
    n_features_in_ : int
        Number of columns seen during ``fit``.
    feature_names_in_ : ndarray of shape (n_features_in_,)
        Their names, where they are all strings.

    See Also
    --------
    MergedNetClassifier : The same for classes.
    ColumnRouter : Decides on the inputs.

    Notes
    -----
    ``fit`` in the scope of a ``tf.distribute.MirroredStrategy`` trains on all of its devices, with
    the batches of one device and the loss of the whole batch.

    Examples
    --------
    >>> import pandas as pd
    >>> from skmerge import MergedNetRegressor
    >>> frame = pd.DataFrame({
    ...     "area": [50, 120, 75, 90] * 10,
    ...     "advert": ["needs work", "great view", "quiet street", "near the park"] * 10,
    ... })
    >>> price = [100.0, 320.0, 160.0, 240.0] * 10
    >>> MergedNetRegressor(epochs=5, random_state=0).fit(frame, price).predict(frame).shape
    (40,)
    """

    _score_metric = "r2_score"
    _parameter_constraints = {
        **MergedNet._parameter_constraints,
        "standardize_target": ["boolean"],
        "clip_predictions": ["boolean"],
        "output_activation": [str, None],
    }

    def __init__(
        self,
        merge: Any = "concat",
        *,
        router: Any = None,
        branches: Any = None,
        head: Any = (64,),
        dropout: float = 0.2,
        input_dropout: float = 0.0,
        normalize_features: bool = True,
        optimizer: Any = "adam",
        learning_rate: Any = "auto",
        loss: Any = None,
        metrics: Any = None,
        epochs: int = 40,
        batch_size: int | str = "auto",
        shuffle: bool = True,
        early_stopping: bool | str = "auto",
        validation_fraction: float = 0.1,
        n_iter_no_change: int | str = "auto",
        tol: float = 1e-4,
        wide: bool = True,
        auxiliary: float = 0.3,
        n_members: int | str = "auto",
        standardize_target: bool = True,
        clip_predictions: bool = True,
        output_activation: str | None = None,
        callbacks: Any = None,
        warm_start: bool = False,
        random_state: Any = None,
        verbose: int = 0,
    ) -> None:
        self.merge = merge
        self.router = router
        self.branches = branches
        self.head = head
        self.dropout = dropout
        self.input_dropout = input_dropout
        self.normalize_features = normalize_features
        self.optimizer = optimizer
        self.learning_rate = learning_rate
        self.loss = loss
        self.metrics = metrics
        self.epochs = epochs
        self.batch_size = batch_size
        self.shuffle = shuffle
        self.early_stopping = early_stopping
        self.validation_fraction = validation_fraction
        self.n_iter_no_change = n_iter_no_change
        self.tol = tol
        self.wide = wide
        self.auxiliary = auxiliary
        self.n_members = n_members
        self.standardize_target = standardize_target
        self.clip_predictions = clip_predictions
        self.output_activation = output_activation
        self.callbacks = callbacks
        self.warm_start = warm_start
        self.random_state = random_state
        self.verbose = verbose

    def partial_fit(self, X: Any, y: Any, sample_weight: Any = None) -> Self:
        """Train for one epoch, going on from the present weights.

        The first call fits the router, and the standardising of the targets, on its rows; later
        calls keep them.

        Parameters
        ----------
        X : DataFrame, MultiInput, matrix, sparse matrix, dict of arrays or list of inputs
            Training rows.
        y : array-like of shape (n_samples,) or (n_samples, n_outputs)
            Their targets.
        sample_weight : array-like of shape (n_samples,), default=None
            Weights of the rows.

        Returns
        -------
        MergedNetRegressor
            This estimator.

        Raises
        ------
        ValueError
            If the rows or targets cannot be used.
        """
        return self._train(X, y, sample_weight, epochs=1, continued=self.__sklearn_is_fitted__())

    def predict(self, X: Any) -> np.ndarray:
        """Predict the target of each row.

        Parameters
        ----------
        X : DataFrame, MultiInput, matrix, sparse matrix, dict of arrays or list of inputs
            The rows, in the form that ``fit`` was given.

        Returns
        -------
        ndarray of shape (n_samples,) or (n_samples, n_outputs)
            The numbers, in the scale of the targets.
        """
        outputs = self._outputs(X)
        return self.targets_.numbers(outputs, clip=self.clip_predictions)

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.target_tags.multi_output = True
        return tags

    def _new_targets(self, y: np.ndarray, training: Any, classes: Any) -> NumberTargets:
        return NumberTargets(y[training], self.standardize_target, self.output_activation)

    def _widened(self, targets: NumberTargets, y: np.ndarray) -> NumberTargets:
        return targets.seeing(y)


def _is_categorical(loss: Any) -> bool:
    """Whether a loss wants one column per class, as those named "categorical" do."""
    if loss is None:
        return False
    name = loss if isinstance(loss, str) else getattr(loss, "__name__", type(loss).__name__)
    return name.lower().replace("_", "").startswith("categorical")
