"""%weights on live Keras models in a real kernel: found, seen as they are now, written to, let go of."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.kernel import HTML, TEXT, Kernel

pytestmark = pytest.mark.tensorflow

SETUP = """
%load_ext weightrepl
import gc, weakref
import keras, weightrepl
import numpy as np
from tests.models import built, LargerModel

def tiny(name, units=3):
    return keras.Sequential([keras.Input((2,)), keras.layers.Dense(units, name="dense")], name=name)
"""

INNER = "larger_model/custom_module/inner_dense1:kernel"


@pytest.fixture(scope="module")
def started(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Kernel]:
    pytest.importorskip("tensorflow")
    with Kernel(tmp_path_factory.mktemp("kernel")) as kernel:
        kernel.ok(SETUP)
        kernel.ok("kept = {*globals(), 'kept'}")
        yield kernel


@pytest.fixture
def kernel(started: Kernel) -> Iterator[Kernel]:
    """A kernel in whose namespace there is no model, and again none afterwards."""
    yield started
    started.ok(
        "for _name in [n for n in globals() if n not in kept and not n.startswith('_')]: del globals()[_name]\n"
        "get_ipython().displayhook.flush()\ngc.collect()"
    )


def addresses(kernel: Kernel, line: str) -> list[str]:
    found = kernel.value(f"k = {line}\n[*k.addresses]")
    assert isinstance(found, list)
    return found


# ------------------------------------------------------------------ found


def test_by_the_name_of_the_model_and_of_the_variable(kernel):
    kernel.ok("net = built('subclass_nested')")
    for path in ("larger_model/custom_module", "net/custom_module", "custom_module"):
        assert addresses(kernel, f"%weights {path}/*dense1:kernel") == [INNER]


def test_several_models_stand_beside_each_other(kernel):
    kernel.ok("a, b = tiny('one'), tiny('two')")
    assert addresses(kernel, "%weights **:kernel") == ["one/dense:kernel", "two/dense:kernel"]
    assert addresses(kernel, "%weights -m b **:kernel") == ["two/dense:kernel"]
    kernel.ok("b = tiny('one')")
    assert addresses(kernel, "%weights **:kernel") == ["a/dense:kernel", "b/dense:kernel"]


def test_one_model_under_several_names_is_one(kernel):
    kernel.ok("a = b = tiny('one')")
    assert addresses(kernel, "%weights **:kernel") == ["one/dense:kernel"]
    assert addresses(kernel, "%weights b/dense:kernel") == ["one/dense:kernel"]


def test_what_models_are_made_of_is_none_itself(kernel):
    kernel.ok(
        "net = built('subclass_nested')\nlayer, inner = net.dense_outer, net.module\nweight = layer.kernel"
    )
    assert addresses(kernel, "%layers") == [
        *("larger_model", "larger_model/custom_module", "larger_model/custom_module/inner_dense1"),
        *("larger_model/custom_module/inner_dense2", "larger_model/outer_dense"),
    ]


def test_within_other_objects_where_asked(kernel):
    kernel.ok(
        "class Trainer: pass\ntrainer = Trainer()\ntrainer.model, models = tiny('one'), {'a': tiny('two')}"
    )
    assert addresses(kernel, "%weights -m trainer.model **:kernel") == ["one/dense:kernel"]
    assert addresses(kernel, "%weights -m models['a'] **:kernel") == ["two/dense:kernel"]


def test_tf_modules_and_loaded_saved_models(kernel):
    kernel.ok(
        "import tensorflow as tf\n"
        "class Net(tf.Module):\n"
        "    def __init__(self):\n"
        "        super().__init__(name='net')\n"
        "        self.w = tf.Variable(np.ones((2, 3), 'float32'), name='w')\n"
        "    @tf.function(input_signature=[tf.TensorSpec((None, 2))])\n"
        "    def __call__(self, x): return x @ self.w\n"
        "module = Net()"
    )
    assert kernel.value("k = %weights **:*\n[w.shape for w in k]") == [(2, 3)]
    kernel.ok("tf.saved_model.save(module, 'saved')\ndel module\nloaded = tf.saved_model.load('saved')")
    assert kernel.value("k = %weights **:*\n[w.shape for w in k]") == [(2, 3)]


# ------------------------------------------------------------------ as they are now


def test_a_model_assigned_anew_is_seen(kernel):
    kernel.ok("model = tiny('one')")
    assert addresses(kernel, "%weights **:kernel") == ["one/dense:kernel"]
    kernel.ok("model = tiny('two', units=5)")
    assert addresses(kernel, "%weights **:kernel") == ["two/dense:kernel"]
    assert kernel.value("k.one().shape") == (2, 5)


def test_training_is_seen(kernel):
    kernel.ok("model = tiny('one')\nmodel.compile('sgd', 'mse')")
    kernel.ok("k = %weights **:kernel\nbefore = k.one().numpy()")
    kernel.ok("_ = model.fit(np.ones((4, 2)), np.full((4, 3), 9.0), verbose=0)")
    kernel.ok("k = %weights **:kernel\nafter = k.one().numpy()")
    assert kernel.value("bool((before != after).all())") is True
    assert kernel.value("bool((after == model.layers[0].kernel.numpy()).all())") is True


def test_layers_added_are_seen_and_completed(kernel):
    kernel.ok("model = tiny('one')")
    assert kernel.complete("%weights one/lat|").matches == ()
    kernel.ok("model.add(keras.layers.Dense(2, name='late'))")
    assert kernel.complete("%weights one/lat|").with_match(0) == "%weights one/late"
    assert addresses(kernel, "%weights late:kernel") == ["one/late:kernel"]


def test_a_model_that_is_not_built_gets_the_line_that_builds_it(kernel):
    kernel.ok("model = LargerModel()")
    reply = kernel.run("%layers")
    assert "build" in reply.text + reply.result.get(HTML, "")
    assert "build" in kernel.run("%weights outer_dense:kernel").traceback


# ------------------------------------------------------------------ let go of


GONE = "gc.collect()\nalive() is None"


@pytest.mark.parametrize(
    "lines",
    [
        "%weights **:kernel",
        "%layers",
        "%weights **:kernel | stats",
        "%weights **:kernel | count",
        "k = %weights **:kernel",
        "k = %weights **:kernel\nk",
        "%weights -o found **:kernel",
    ],
)
def test_what_the_notebook_deletes_is_gone(kernel, lines):
    kernel.ok("model = tiny('one')\nalive = weakref.ref(model)")
    kernel.ok(lines)
    kernel.complete("%weights one/|")
    kernel.inspect("%weights one/de|nse")
    kernel.ok("del model")
    assert kernel.value(GONE) is True


def test_a_model_under_another_is_gone_when_assigned_anew(kernel):
    kernel.ok("model = tiny('one')\nalive = weakref.ref(model)")
    kernel.ok("%weights **:kernel")
    kernel.ok("model = tiny('two')")
    assert kernel.value(GONE) is True


def test_after_an_error_it_is_gone_too(kernel):
    kernel.ok("model = tiny('one')\nalive = weakref.ref(model)")
    assert kernel.run("%weights nothing:kernel").status == "error"
    kernel.ok("del model")
    kernel.run("1/0")  # sys.last_value was the error before
    assert kernel.value(GONE) is True


def test_a_result_of_a_model_that_is_gone_says_so(kernel):
    kernel.ok("model = tiny('one')\nk = %weights **:kernel")
    kernel.ok("del model\ngc.collect()")
    assert "one/dense:kernel" in kernel.ok("k").result[TEXT]
    reply = kernel.run("k.one().numpy()")
    assert "ChangedError" in reply.traceback


def test_the_api_keeps_what_it_selected_from(kernel):
    kernel.ok("model = tiny('one')\nk = weightrepl.select(model, '**:kernel')\ndel model\ngc.collect()")
    assert kernel.value("k.one().numpy().shape") == (2, 3)


# ------------------------------------------------------------------ written to


def test_values_are_assigned_and_put_back(kernel):
    kernel.ok("model = tiny('one')\nbefore = model.layers[0].kernel.numpy()")
    kernel.ok("k = %weights **:kernel\ndone = k.assign(lambda w: w * 2)")
    assert kernel.value("bool((model.layers[0].kernel.numpy() == before * 2).all())") is True
    kernel.ok("done.undo()")
    assert kernel.value("bool((model.layers[0].kernel.numpy() == before).all())") is True
    kernel.ok("report = k.assign(0.0, dry_run=True)\nreport")
    assert kernel.value("bool((model.layers[0].kernel.numpy() == before).all())") is True


def test_from_one_model_to_another(kernel):
    kernel.ok("a, b = tiny('one'), tiny('two')")
    kernel.ok("left = %weights one/**:*\nright = %weights two/**:*\nleft.assign(right)")
    assert kernel.value("all((x.numpy() == y.numpy()).all() for x, y in zip(a.weights, b.weights))") is True


def test_variables_are_those_of_the_model(kernel):
    kernel.ok("model = tiny('one')\nk = %weights **:kernel\nheld = k.variables()")
    assert kernel.value("[*held]") == ["one/dense:kernel"]
    kernel.ok("held['one/dense:kernel'].assign(np.full((2, 3), 7.0))")
    assert kernel.value("float(model.layers[0].kernel.numpy()[0, 0])") == 7.0


def test_a_file_is_not_written_to(kernel):
    kernel.ok("model = weightrepl.open(weightrepl.demo_path())\nk = %weights **:kernel")
    assert "OutputError" in kernel.run("k.assign(0.0)").traceback
