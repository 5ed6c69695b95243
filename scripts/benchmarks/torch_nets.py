"""The nets of the catalogue as a PyTorch user writes them, for comparison.

Layers, widths and numbers of parameters are the same. Nets with ``reset_after=False`` are the
exception: PyTorch's GRU always has a second bias vector, like Keras's ``reset_after=True``. So
``seizure-bigru`` and ``seizure-gru-stepped`` have a few more parameters here. The inputs are
rescaled beforehand, as a user would do it once. kerasnets rescales in the net.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from torch import nn
from torch.nn.utils.rnn import pack_padded_sequence

ACTIVATIONS: dict[str, type[nn.Module]] = {
    "relu": nn.ReLU,
    "sigmoid": nn.Sigmoid,
    "tanh": nn.Tanh,
}


def mlp(
    inputs: int,
    units: Sequence[int],
    activations: str | Sequence[str],
    classes: int,
    dropout: float = 0.0,
) -> list[nn.Module]:
    """Dense layers, each with activation and dropout, then the logits."""
    if isinstance(activations, str):
        activations = [activations] * len(units)
    layers: list[nn.Module] = []
    for width, activation in zip(units, activations, strict=True):
        layers += [nn.Linear(inputs, width), ACTIVATIONS[activation]()]
        layers += [nn.Dropout(dropout)] if dropout else []
        inputs = width
    return [*layers, nn.Linear(inputs, classes)]


def cnn(
    filters: Sequence[int], kernel_size: int, units: Sequence[int], dropout: float = 0.0
) -> nn.Sequential:
    """Convolutions along 178 samples, each with ReLU and max pooling, then dense layers."""
    layers: list[nn.Module] = [nn.Unflatten(1, (1, 178))]
    channels, samples = 1, 178
    for width in filters:
        layers += [nn.Conv1d(channels, width, kernel_size), nn.ReLU(), nn.MaxPool1d(2)]
        layers += [nn.Dropout(dropout)] if dropout else []
        channels, samples = width, (samples - kernel_size + 1) // 2
    return nn.Sequential(*layers, nn.Flatten(), *mlp(channels * samples, units, "relu", 5, dropout))


class Recurrent(nn.Module):
    """GRU layers of different widths, and dense layers on the last state."""

    def __init__(
        self,
        features: int,
        units: Sequence[int],
        dense_units: Sequence[int] = (),
        bidirectional: bool = False,
    ) -> None:
        super().__init__()
        self.features, directions = features, 1 + bidirectional
        widths = [features, *(directions * width for width in units)]
        self.layers = nn.ModuleList(
            nn.GRU(inputs, width, batch_first=True, bidirectional=bidirectional)
            for inputs, width in zip(widths, units, strict=False)
        )
        self.head = nn.Sequential(*mlp(widths[-1], dense_units, "relu", 5))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Map shape (batch, 178) to (batch, 5)."""
        x = x.view(len(x), -1, self.features)
        for layer in self.layers:
            x, state = layer(x)
        return self.head(state.transpose(0, 1).flatten(1))


class Stack(nn.Module):
    """Recurrent layers of the same width as a single module, with PyTorch's ``num_layers``."""

    def __init__(self, units: int, layers: int, dense_units: Sequence[int] = ()) -> None:
        super().__init__()
        self.gru = nn.GRU(1, units, layers, batch_first=True)
        self.head = nn.Sequential(*mlp(units, dense_units, "relu", 5))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Map shape (batch, 178) to (batch, 5)."""
        return self.head(self.gru(x.unsqueeze(-1))[1][-1])


class Visits(nn.Module):
    """Dense layers per visit, recurrent layers on packed sequences, a head on the last state."""

    def __init__(
        self, visit: Sequence[nn.Module], recurrent: nn.GRU | nn.LSTM, head: Sequence[nn.Module]
    ) -> None:
        super().__init__()
        self.visit, self.recurrent, self.head = (
            nn.Sequential(*visit),
            recurrent,
            nn.Sequential(*head),
        )

    def forward(self, visits: torch.Tensor, length: torch.Tensor) -> torch.Tensor:
        """Map shapes (batch, time, features) and (batch,) to (batch, 2)."""
        packed = pack_padded_sequence(
            self.visit(visits), length, batch_first=True, enforce_sorted=False
        )
        state = self.recurrent(packed)[1]
        if isinstance(state, tuple):  # state and cell of an LSTM
            state = state[0]
        return self.head(state[-1])


def mortality_deep(features: int) -> Visits:
    """Three dense layers with LeakyReLU and dropout, four GRU layers."""
    visit: list[nn.Module] = []
    for inputs, width in zip((features, 128, 64), (128, 64, 32), strict=True):
        visit += [nn.Linear(inputs, width), nn.LeakyReLU(0.1), nn.Dropout(0.2)]
    return Visits(visit, nn.GRU(32, 16, 4, batch_first=True), [nn.Linear(16, 2)])


def lenet5() -> nn.Sequential:
    """LeNet-5 on images of 28 × 28 pixels, padded to 32 × 32."""
    return nn.Sequential(
        nn.ZeroPad2d(2),
        *(nn.Conv2d(1, 6, 5), nn.Tanh(), nn.AvgPool2d(2)),
        *(nn.Conv2d(6, 16, 5), nn.Tanh(), nn.AvgPool2d(2)),
        *(nn.Conv2d(16, 120, 5), nn.Tanh(), nn.Flatten()),
        *mlp(120, (84,), "tanh", 10),
    )


def digit_cnn() -> nn.Sequential:
    """Two convolutions, the second with batch normalization, and a dense layer."""
    return nn.Sequential(
        *(nn.Conv2d(1, 32, 3), nn.ReLU(), nn.MaxPool2d(2), nn.Dropout(0.2)),
        *(nn.Conv2d(32, 32, 3), nn.BatchNorm2d(32), nn.ReLU(), nn.MaxPool2d(2), nn.Dropout(0.2)),
        *(nn.Flatten(), *mlp(32 * 25, (64,), "relu", 10)),
    )


def seizure_mlp(units: Sequence[int], activations: str | Sequence[str]) -> nn.Sequential:
    """Dense layers on 178 samples."""
    return nn.Sequential(*mlp(178, units, activations, 5))


def digit_mlp(
    pixels: int, units: Sequence[int], activation: str, dropout: float = 0.0
) -> nn.Sequential:
    """Dense layers on an image."""
    frame = [nn.ZeroPad2d(2)] if pixels == 32 * 32 else []
    return nn.Sequential(*frame, nn.Flatten(), *mlp(pixels, units, activation, 10, dropout))


NETS: dict[str, Any] = {
    "seizure-mlp": lambda: seizure_mlp((16,), "sigmoid"),
    "seizure-mlp-two-hidden": lambda: seizure_mlp((16, 16), "sigmoid"),
    "seizure-mlp-stepped": lambda: seizure_mlp(
        (100, 50, 24, 12), ("relu", "relu", "relu", "sigmoid")
    ),
    "seizure-mlp-wide": lambda: seizure_mlp((256, 256, 256, 256), "relu"),
    "seizure-cnn": lambda: cnn((6, 16), 5, (128,)),
    "seizure-cnn-three-dense": lambda: cnn((6, 16), 5, (128, 64)),
    "seizure-cnn-five-block": lambda: cnn((3, 15, 20, 30, 100), 3, (64,)),
    "seizure-cnn-dropout": lambda: cnn((6, 16), 5, (128, 64), 0.2),
    "seizure-gru": lambda: Stack(16, 1),
    "seizure-gru-2": lambda: Stack(16, 2),
    "seizure-gru-5": lambda: Stack(16, 5),
    "seizure-gru-2x32": lambda: Stack(32, 2, (16,)),
    "seizure-bigru": lambda: Recurrent(178, (16,), bidirectional=True),
    "seizure-gru-stepped": lambda: Recurrent(178, (64, 32, 16), bidirectional=True),
    "lenet5": lenet5,
    "digit-mlp-tanh": lambda: digit_mlp(32 * 32, (256, 64, 16), "tanh"),
    "digit-mlp-1": lambda: digit_mlp(28 * 28, (100,), "relu", 0.5),
    "digit-mlp-2": lambda: digit_mlp(28 * 28, (150, 50), "relu", 0.1),
    "digit-mlp-3": lambda: digit_mlp(28 * 28, (500, 350, 150), "relu", 0.25),
    "digit-cnn": digit_cnn,
    "covid-1": lambda: nn.Sequential(*mlp(11, (), "relu", 2)),
    "covid-2": lambda: nn.Sequential(*mlp(11, (16,), "relu", 2)),
    "xor": lambda: nn.Sequential(*mlp(2, (2,), "relu", 2)),
    "mortality-gru": lambda features: Visits(
        [nn.Linear(features, 32), nn.Tanh()],
        nn.GRU(32, 16, batch_first=True),
        [nn.Linear(16, 2)],
    ),
    "mortality-lstm": lambda features: Visits(
        [nn.Linear(features, 64), nn.Tanh()],
        nn.LSTM(64, 16, 2, batch_first=True),
        mlp(16, (8,), "relu", 2),
    ),
    "mortality-deep": mortality_deep,
}
