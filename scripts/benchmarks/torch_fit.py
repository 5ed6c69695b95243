"""The models of ``tests/engine/models.py`` that are easy to write in PyTorch."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch import nn
from torch.nn import functional

Loss = Callable[[torch.Tensor, torch.Tensor], torch.Tensor]


class LastState(nn.Module):
    """A GRU, and a dense layer on the last state."""

    def __init__(self) -> None:
        super().__init__()
        self.gru, self.head = nn.GRU(3, 4, batch_first=True), nn.Linear(4, 1)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Map shape (batch, time, 3) to (batch, 1)."""
        return self.head(self.gru(x)[1][-1])


class Transformer(nn.Module):
    """Self-attention over embedded tokens, with one class per sequence."""

    def __init__(self) -> None:
        super().__init__()
        self.tokens, self.positions = nn.Embedding(12, 8), nn.Parameter(torch.randn(7, 8))
        self.attention = nn.MultiheadAttention(8, 2, batch_first=True)
        self.norms = nn.ModuleList([nn.LayerNorm(8), nn.LayerNorm(8)])
        self.dense, self.head = nn.Linear(8, 8), nn.Linear(8, 2)

    def forward(self, tokens: torch.Tensor) -> torch.Tensor:
        """Map shape (batch, 7) to (batch, 2)."""
        x = self.tokens(tokens) + self.positions
        x = self.norms[0](x + self.attention(x, x, x, need_weights=False)[0])
        x = self.norms[1](x + functional.gelu(self.dense(x)))
        return self.head(x[:, 0])


def dense(outputs: int) -> nn.Module:
    """One hidden layer of 8 units."""
    return nn.Sequential(nn.Linear(8, 8), nn.ReLU(), nn.Linear(8, outputs))


def cnn() -> nn.Module:
    """Convolutions, one depthwise and one separable, and batch normalization."""
    return nn.Sequential(
        *(nn.Conv2d(1, 4, 3), nn.ReLU(), nn.BatchNorm2d(4), nn.Conv2d(4, 4, 3, groups=4)),
        *(nn.Conv2d(4, 4, 3, groups=4), nn.Conv2d(4, 4, 1), nn.ReLU()),
        *(nn.Flatten(), nn.Linear(16, 3)),
    )


def image_autoencoder() -> nn.Module:
    """A strided convolution, and a transposed convolution to the original size."""
    return nn.Sequential(
        *(nn.Conv2d(1, 3, 3, 2, 1), nn.ReLU()),
        nn.ConvTranspose2d(3, 1, 3, 2, 1, output_padding=1),
    )


def _mean_squares(output: torch.Tensor, target: torch.Tensor) -> torch.Tensor:
    return functional.mse_loss(output, target.view_as(output))


def _binary(output: torch.Tensor, target: torch.Tensor) -> torch.Tensor:
    target = target.view_as(output).float()
    return functional.binary_cross_entropy_with_logits(output, target)


MODELS: dict[str, tuple[Callable[[], nn.Module], Loss]] = {
    "dense": (lambda: dense(1), _mean_squares),
    "logits-auc": (lambda: dense(1), _binary),
    "multilabel-frozen": (lambda: dense(4), _binary),
    "one-hot-f1": (lambda: dense(3), functional.cross_entropy),
    "autoencoder": (lambda: dense(8), _mean_squares),
    "image-autoencoder": (image_autoencoder, _mean_squares),
    "masking-gru": (LastState, _mean_squares),
    "transformer": (Transformer, functional.cross_entropy),
    "cnn": (cnn, functional.cross_entropy),
}


def make_epochs(name: str, data: tuple[Any, ...], batch_size: int) -> Callable[[], int] | None:
    """Return a function that trains a model for one epoch; ``None`` if the model is not here."""
    if name not in MODELS:
        return None
    make, loss_of = MODELS[name]
    x, y = (torch.from_numpy(array) for array in data[:2])
    if x.ndim == 4:
        x = x.movedim(-1, 1).contiguous()
        y = y.movedim(-1, 1).contiguous() if y.ndim == 4 else y
    y = y.long() if loss_of is functional.cross_entropy and y.ndim == 1 else y
    model = make().train()
    if name == "multilabel-frozen":
        model[0].requires_grad_(False)
    weights = [weight for weight in model.parameters() if weight.requires_grad]
    optimizer = torch.optim.Adam(weights)

    def epoch() -> int:
        for rows in torch.randperm(len(x)).split(batch_size):
            optimizer.zero_grad()
            loss_of(model(x[rows]), y[rows]).backward()
            optimizer.step()
        return len(x)

    return epoch
