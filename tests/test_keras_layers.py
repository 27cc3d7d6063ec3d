"""The layers of Keras's kind: all known by name once the package is imported."""

import subprocess
import sys

import keras

import skmerge._layers


def test_every_layer_is_exported_and_registered_under_a_name_of_its_own():
    exported = {getattr(skmerge._layers, name) for name in skmerge._layers.__all__}
    assert {cls.__module__.rpartition(".")[0] for cls in exported} == {"skmerge._layers"}
    defined = {
        cls
        for module in vars(skmerge._layers).values()
        if getattr(module, "__name__", "").startswith("skmerge._layers.")
        for cls in vars(module).values()
        if isinstance(cls, type)
        and issubclass(cls, keras.layers.Layer)
        and cls.__module__ == module.__name__
    }
    assert defined == exported
    registered = {keras.saving.get_registered_name(cls): cls for cls in defined}
    assert len(registered) == len(defined)
    for name, cls in registered.items():
        assert keras.saving.get_registered_object(name) is cls


def test_networks_load_in_another_process_after_one_import(tmp_path):
    from skmerge import AttentionBranch, ConvBranch, InputSpec, build_network

    network = build_network(
        [
            InputSpec("photo", "image", (8, 8, 3), "uint8", optional=True),
            InputSpec("note", "text", (5,), "int32", vocabulary_size=9),
            InputSpec("table", "tabular", (2,), code_columns=(1,), cardinalities=(3,)),
        ],
        {"photo": ConvBranch((4,), flip="both"), "note": AttentionBranch(8, pooling="cls")},
        merge="attention",
        input_dropout=0.2,
    )
    network.save(tmp_path / "network.keras")
    code = (
        "import keras, skmerge._layers; "
        f"model = keras.saving.load_model({str(tmp_path / 'network.keras')!r}); "
        "print(model.count_params())"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert int(done.stdout.split()[-1]) == network.count_params()
