"""Properties of a ColumnRouter on one frame."""

import pickle
import tempfile
from pathlib import Path

import numpy as np
import pandas as pd
from sklearn.base import clone

import skmerge
from skmerge import ColumnRouter

from ._judging import Finding, Refused, dense, frame_print, outcome, same


def _copied(router):
    return pickle.loads(pickle.dumps(router))


def check_array(router, routed, n_rows):
    if len(routed) != n_rows:
        raise Finding(f"{n_rows} rows in, {len(routed)} out")
    for name, spec in routed.specs.items():
        array = dense(routed[name])
        if array.dtype.kind == "f" and not np.isfinite(array).all():
            raise Finding(f"{name!r} is not finite")
        if str(array.dtype) != spec.dtype:
            raise Finding(f"{name!r} has dtype {array.dtype}, its spec {spec.dtype}")
        for given, said in zip(array.shape[1:], spec.shape, strict=True):
            if said is not None and given != said:
                raise Finding(f"{name!r} has shape {array.shape}, its spec {spec.shape}")
        for column, cardinality in zip(spec.code_columns, spec.cardinalities, strict=True):
            codes = array[:, column]
            if (codes < 0).any() or (codes >= cardinality).any():
                raise Finding(f"{name!r} has codes out of range")


def check_loss(router, frame, routed):
    """Check that what is there does not become missing without a trace."""
    for name, entry in router.inputs_.items():
        if entry.kind == "tabular":
            encoder = entry.encoder
            array = dense(routed[name])
            codes = dict(
                zip(
                    [c for c, kind in encoder.kinds_.items() if kind == "category"],
                    encoder.spec_.code_columns,
                    strict=True,
                )
            )
            for column, position in codes.items():
                there = frame[column].notna().to_numpy()
                if (array[there, position] == 0).any():
                    raise Finding(f"{column!r}: a value became missing")
                if (array[~there, position] != 0).any():
                    raise Finding(f"{column!r}: a missing one became a value")
            names = list(encoder.spec_.feature_names)
            for column, kind in encoder.kinds_.items():
                if kind != "number":
                    continue
                column_of = names.index(str(column))
                values = frame[column]
                if values.dtype.kind not in "iuf" or values.dtype == np.longdouble:
                    continue
                try:
                    present = values[values.notna()].to_numpy(dtype=float)
                except (TypeError, ValueError):
                    continue
                if len(present) and np.abs(present).max() < 1e6 and 1e-3 < np.ptp(present) < 1e3:
                    seen = array[values.notna().to_numpy(), column_of]
                    if np.ptp(seen) == 0:
                        raise Finding(f"{column!r}: distinct numbers became one: {present}")
        elif name in routed.masks and entry.kind in ("text", "tags", "array", "sequence", "image"):
            if (
                isinstance(entry.columns, list)
                or getattr(entry.encoder, "on_error", "") == "missing"
            ):
                continue
            there = frame[entry.columns].notna().to_numpy()
            lost = there & ~routed.masks[name]
            if entry.kind == "image":
                lost &= np.array([_text(cell) != "" for cell in frame[entry.columns]])
            if lost.any():
                raise Finding(f"{name!r}: a cell became missing")


def _text(cell):
    return cell.strip() if isinstance(cell, str) else None


def check_router(frame, router=None, save=False, order=None):
    """Check what must hold of a router on one frame; return it fitted, or a Refused."""
    router = ColumnRouter() if router is None else router
    before = frame_print(frame)
    routed = outcome(router.fit_transform, frame)
    if isinstance(routed, Refused):
        if frame_print(frame) != before:
            raise Finding("the frame was modified")
        return routed
    n_rows = len(frame)
    check_array(router, routed, n_rows)
    repr(router)
    used = set()
    for entry in router.inputs_.values():
        used.update(entry.columns if isinstance(entry.columns, list) else [entry.columns])
    left = [c for c in frame.columns if c not in used and c not in router.dropped_]
    left = (
        [c for c in left if not pd.isna(c)] if not any(isinstance(c, tuple) for c in left) else left
    )
    if left:
        raise Finding(f"columns {left} are neither read nor dropped")
    check_loss(router, frame, routed)
    again = outcome(router.transform, frame)
    if isinstance(again, Refused):
        raise Finding(f"transform refuses what fit took: {again.error}") from again.error
    same(routed, again, "transform after fit_transform")
    other = clone(router)
    same(
        routed, outcome(lambda: other.fit(frame).transform(frame)), "a clone's fit, then transform"
    )
    same(routed, outcome(_copied(router).transform, frame), "pickled")
    if save:
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / "router"
            if not isinstance(outcome(skmerge.save, router, path), Refused):
                same(routed, outcome(skmerge.load(path).transform, frame), "saved")
    order = np.random.default_rng(len(frame)).permutation(n_rows) if order is None else order
    for rows, what in (
        (order, "permuted rows"),
        *(([n], "one row") for n in range(min(n_rows, 3))),
    ):
        some = outcome(router.transform, frame.iloc[rows])
        if isinstance(some, Refused):
            raise Finding(f"{what} are refused: {some.error}") from some.error
        same(routed, some, what, rows)
    if frame_print(frame) != before:
        raise Finding("the frame was modified")
    return router


def check_drift(pair, router=None):
    """Check that a fitted router takes or refuses a frame of other columns, and no more."""
    frame, other = pair
    router = ColumnRouter() if router is None else router
    fitted = outcome(router.fit, frame)
    if isinstance(fitted, Refused):
        return fitted
    before = frame_print(other)
    routed = outcome(router.transform, other)
    if frame_print(other) != before:
        raise Finding("the frame was modified")
    if isinstance(routed, Refused):
        return routed
    check_array(router, routed, len(other))
    if len(other):
        rows = np.arange(len(other))[::-1]
        some = outcome(router.transform, other.iloc[rows])
        if isinstance(some, Refused):
            raise Finding(f"permuted rows are refused: {some.error}") from some.error
        same(routed, some, "permuted rows", rows)
    return router


def check_entries(X):
    """Check that X of any form is routed or refused."""
    router = ColumnRouter()
    routed = outcome(router.fit_transform, X)
    if isinstance(routed, Refused):
        return routed
    again = outcome(router.transform, X)
    if isinstance(again, Refused):
        raise Finding(f"transform refuses what fit took: {again.error}") from again.error
    same(routed, again, "transform after fit_transform")
    same(routed, outcome(_copied(router).transform, X), "pickled")
    repr(router)
    return router
