"""One fit on two devices: the same network as on one, or an error that says why not."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

import skmerge

pytestmark = pytest.mark.slow

SCRIPT = Path(__file__).with_name("two_devices.py")


@pytest.fixture(scope="module")
def found():
    paths = [str(Path(skmerge.__file__).parents[1]), os.environ.get("PYTHONPATH", "")]
    environment = os.environ | {"PYTHONPATH": os.pathsep.join(filter(None, paths))}
    done = subprocess.run(
        [sys.executable, str(SCRIPT)],
        env=environment,
        capture_output=True,
        text=True,
        timeout=600,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-3000:]
    return json.loads(done.stdout.splitlines()[-1])


def test_each_device_has_a_part_of_the_rows_and_all_weights(found):
    assert found["n_replicas"] == 2
    assert found["rows_per_replica"] == [101, 102]
    assert found["devices"] == ["CPU:0", "CPU:1"]
    assert found["spread"] == 0


@pytest.mark.parametrize(
    ("case", "tolerance"),
    [
        ("words", 1e-5),
        ("momentum", 1e-5),
        ("whole", 1e-5),
        # in maps as small as these, batch normalization makes whole steps of rounding
        ("photo", 1e-3),
    ],
)
def test_two_devices_train_the_network_of_one(found, case, tolerance):
    of_predictions, of_history = found[case]
    assert of_predictions < tolerance
    assert of_history < tolerance


def test_what_was_fitted_on_two_devices_is_used_and_trained_outside_of_the_scope(found):
    assert found["pickled"] == 0
    assert found["further"] < 1e-5
    assert found["predicted_in_scope"] < 1e-5


def test_a_network_of_two_devices_is_never_lent_to_another_fit(found):
    assert found["is_plain"]
    assert found["returned"] == 0


@pytest.mark.parametrize(
    ("case", "message"),
    [
        ("sum", "must be a mean over the rows of a batch"),
        ("of_batch", "must return one number for each row"),
        ("other_strategy", "must be that of a tf.distribute.MirroredStrategy"),
        ("plain_in_scope", "trained further on the devices that it was made for"),
    ],
)
def test_what_two_devices_cannot_train_is_refused(found, case, message):
    assert message in found[case]
