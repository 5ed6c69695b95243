"""Models that cannot run on a live stream are refused with the name of the layer."""

from __future__ import annotations

import numpy as np
import pytest

import kerasnets as kn
from kerasnets._lazy import import_tensorflow, keras
from kerasnets.exporting.signature import serve
from kerasnets.exporting.streaming.step_model import plan_stream
from tests.exporting.streaming.helpers import detector

import_tensorflow()
nn = keras.layers

CAUSAL_NETS = {
    "mortality-deep", "mortality-gru", "mortality-lstm",
    "seizure-gru", "seizure-gru-2", "seizure-gru-2x32", "seizure-gru-5",
}  # fmt: skip


def model(layer, *more, features=3, time=None):
    x = keras.Input((time, features), name="x")
    y = layer(x)
    for function in more:
        y = function(y)
    return keras.Model(x, y)


def plan(net):
    return plan_stream(serve(net))


class Doubled(nn.Layer):
    def call(self, x):
        return 2 * x


class Unlabelled(nn.Dense):
    """A subclass that keeps the call of Dense."""


REFUSED = {
    "reads the sequence backwards": lambda: nn.Bidirectional(nn.GRU(3), name="culprit"),
    "reads the sequence backwards ": lambda: nn.LSTM(3, go_backwards=True, name="culprit"),
    "looks ahead: padding='same' centres its window of 3 steps": lambda: nn.Conv1D(
        3, 3, padding="same", name="culprit"
    ),
    "looks ahead": lambda: nn.MaxPooling1D(2, padding="same", name="culprit"),
    "joins all steps": lambda: nn.Flatten(name="culprit"),
    "works along the time axis": lambda: nn.LayerNormalization(axis=[1, 2], name="culprit"),
    "works along the time axis ": lambda: nn.BatchNormalization(axis=1, name="culprit"),
    "has a mean and a variance of its own for each of 8 steps": lambda: nn.Normalization(
        axis=(1, 2), mean=np.zeros((8, 3)), variance=np.ones((8, 3)), name="culprit"
    ),
    "has a slope of its own for each step": lambda: nn.PReLU(name="culprit"),
    r"makes \(12, 2\) of \(8, 3\)": lambda: nn.Reshape((12, 2), name="culprit"),
    "moves the time axis": lambda: nn.Permute((2, 1), name="culprit"),
    "adds 1 zeros after the last step": lambda: nn.ZeroPadding1D(1, name="culprit"),
    "has several output steps per input step": lambda: nn.UpSampling1D(name="culprit"),
    "masks steps": lambda: nn.Masking(name="culprit"),
    "wrap it in keras.layers.TimeDistributed": lambda: Doubled(name="culprit"),
    "has data_format='channels_first'": lambda: nn.GlobalMaxPooling1D(
        "channels_first", name="culprit"
    ),
}


@pytest.mark.parametrize("reason", REFUSED)
def test_layers_that_need_later_steps_are_refused_by_name(reason):
    with pytest.raises(
        ValueError, match=rf"cannot run on a live stream.*'culprit'.*{reason.strip()}"
    ):
        plan(model(REFUSED[reason](), time=8))


def test_attention_is_refused_because_its_state_would_grow():
    layer = nn.MultiHeadAttention(2, 4, name="look")
    net = model(lambda x: layer(x, x, use_causal_mask=True))
    with pytest.raises(ValueError, match=r"'look' \(MultiHeadAttention\) .*grow without end"):
        plan(net)


def test_several_tensors_that_do_not_fit_together_are_refused():
    def excite(x):
        return nn.Multiply(name="excite")([x, nn.GlobalAveragePooling1D(keepdims=True)(x)])

    with pytest.raises(
        ValueError, match=r"'excite'.*a sequence with a value of the whole sequence"
    ):
        plan(model(excite))

    def unequal(x):
        return nn.Add(name="sum")([nn.Conv1D(3, 2, strides=2)(x), nn.Conv1D(3, 3, strides=2)(x)])

    with pytest.raises(ValueError, match=r"'sum'.*not in step: one step per 2, from 2 on; .* 3 on"):
        plan(model(unequal, time=9))

    def initial(x):
        return nn.GRU(3, name="decoder")(x, initial_state=nn.GRU(3)(x))

    with pytest.raises(ValueError, match=r"'decoder'.*value of the whole sequence"):
        plan(model(initial))


def test_zeros_before_that_nothing_uses_up_are_refused():
    with pytest.raises(ValueError, match="'pad' adds zeros before the first step, and no"):
        plan(model(nn.ZeroPadding1D((2, 0), name="pad")))
    with pytest.raises(ValueError, match=r"'conv'.* gets 5 zeros .*more than its window"):
        plan(model(nn.ZeroPadding1D((5, 0)), nn.Conv1D(2, 3, name="conv")))
    with pytest.raises(ValueError, match=r"'gru'.*which only a convolution can use"):
        plan(model(nn.ZeroPadding1D((2, 0)), nn.GRU(2, name="gru")))


def test_a_constant_for_each_step_is_refused():
    with pytest.raises(ValueError, match="constant with a value of its own for each step"):
        plan(model(lambda x: x + np.arange(24, dtype="float32").reshape(8, 3), time=8))
    plan(model(lambda x: x + np.arange(3, dtype="float32"), time=8))


def test_indices_by_position_are_refused():
    with pytest.raises(ValueError, match="takes some of the steps by their position"):
        plan(model(lambda x: x[:, 2:]))
    plan(model(lambda x: x[..., 0]))


def test_a_subclassed_model_and_an_input_without_time_are_refused():
    class Own(keras.Model):
        def __init__(self):
            super().__init__(name="own")
            self.gru = nn.GRU(2)

        def call(self, x):
            return self.gru(x)

    net = Own()
    net(np.zeros((1, 4, 3), "float32"))
    with pytest.raises(ValueError, match=r"'own' \(Own\) has a call of its own"):
        plan(net)
    x = keras.Input((), name="age")
    with pytest.raises(ValueError, match="its input 'age' has no time axis"):
        plan(keras.Model(x, nn.Rescaling(2.0)(x)))


def test_a_subclass_that_does_not_change_the_call_is_known():
    assert not plan(model(Unlabelled(2))).states


def test_the_causal_nets_of_the_catalogue():
    causal, refused = set(), {}
    for name in kn.list_nets("seizure-*") + kn.list_nets("mortality-*"):
        try:
            plan(kn.build(name))
        except ValueError as error:
            refused[name] = str(error)
        else:
            causal.add(name)
    assert causal == CAUSAL_NETS
    assert "'as_sequence' (Reshape) makes (1, 178) of (178)" in refused["seizure-bigru"]
    assert "'flatten' (Flatten) joins all steps" in refused["seizure-cnn"]
    assert all("the layer '" in message for message in refused.values())


def test_states_are_named_after_their_layers():
    step = plan(detector())
    sizes = {state.name: state.initial.shape for state in step.states}
    assert sizes == {
        "conv_samples": (1, 4, 2),
        "conv_pending": (1,),
        "gru_state": (1, 4),
        "mean_mean": (1, 4),
        "mean_count": (1,),
        "max_max": (1, 4),
        "last_state": (1, 3),
    }
    assert [info.name for info in step.inputs] == ["chunk", *sizes]
    results = [("probabilities", (None, None, 3)), ("logits", (None, None, 3))]
    assert [(info.name, info.shape) for info in step.results] == results
    assert {(timing.stride, timing.first) for timing in step.timings} == {(2, 5)}


def test_a_layer_that_is_used_twice_has_two_states():
    gru = nn.GRU(3, return_sequences=True, name="my-gru")
    assert [state.name for state in plan(model(gru, gru)).states] == [
        "my_gru_state",
        "my_gru_state_2",
    ]
