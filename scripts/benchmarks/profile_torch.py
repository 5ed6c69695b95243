"""Counts of fvcore, torchinfo, ptflops and PyTorch's own counter for some nets.

    python scripts/benchmarks/profile_torch.py

Needs torch, fvcore, torchinfo and ptflops in a separate environment, because this project depends
on none of them. The nets are seizure-mlp, seizure-cnn, seizure-gru, and seizure-gru with an LSTM.
kerasnets counts 2,928, 129,668, 145,328 and 193,744 multiply–adds for them.
"""

import importlib.metadata

import ptflops
import torch
import torchinfo
from fvcore.nn import FlopCountAnalysis
from torch import nn
from torch.utils.flop_counter import FlopCounterMode


class Last(nn.Module):
    """A recurrent layer, and a dense layer on its last output."""

    def __init__(self, recurrent):
        super().__init__()
        self.recurrent, self.head = recurrent, nn.Linear(16, 5)

    def forward(self, x):
        """Map shape (batch, time, 1) to (batch, 5)."""
        return self.head(self.recurrent(x)[0][:, -1])


class Packed(nn.Module):
    """An LSTM on a packed batch."""

    def __init__(self):
        super().__init__()
        self.lstm = nn.LSTM(1, 16, batch_first=True)

    def forward(self, x):
        """Map shape (batch, time, 1) to (1, batch, 16)."""
        packed = nn.utils.rnn.pack_padded_sequence(x, [x.shape[1]] * len(x), batch_first=True)
        return self.lstm(packed)[1][0]


NETS = {
    "seizure-mlp": ((178,), nn.Sequential(nn.Linear(178, 16), nn.Sigmoid(), nn.Linear(16, 5))),
    "seizure-cnn": (
        (1, 178),
        nn.Sequential(
            *(nn.Conv1d(1, 6, 5), nn.ReLU(), nn.MaxPool1d(2)),
            *(nn.Conv1d(6, 16, 5), nn.ReLU(), nn.MaxPool1d(2)),
            *(nn.Flatten(), nn.Linear(656, 128), nn.ReLU(), nn.Linear(128, 5)),
        ),
    ),
    "seizure-gru": ((178, 1), Last(nn.GRU(1, 16, batch_first=True))),
    "LSTM 16": ((178, 1), Last(nn.LSTM(1, 16, batch_first=True))),
}


def main():
    """Print one line per net, then the packed LSTM by batch size."""
    packages = ("torch", "fvcore", "torchinfo", "ptflops")
    print(", ".join(f"{name} {importlib.metadata.version(name)}" for name in packages))
    print(f"{'net':<12} {'fvcore':>9} {'torchinfo':>9} {'ptflops':>9} {'torch':>9}  fvcore skips")
    for name, (shape, net) in NETS.items():
        net.eval()
        x = torch.zeros(1, *shape)
        fvcore = FlopCountAnalysis(net, x).unsupported_ops_warnings(False)
        info = torchinfo.summary(net, input_size=x.shape, verbose=0).total_mult_adds
        pt = ptflops.get_model_complexity_info(
            net, shape, as_strings=False, print_per_layer_stat=False
        )[0]
        with FlopCounterMode(display=False) as counter:
            net(x)
        own = counter.get_total_flops() // 2
        products = fvcore.total()
        skipped = ", ".join(fvcore.unsupported_ops())
        print(f"{name:<12} {products:>9,} {info:>9,} {pt:>9,} {own:>9,}  {skipped}")
    for batch in (1, 32):
        info = torchinfo.summary(Packed(), input_size=(batch, 178, 1), verbose=0)
        print(
            f"torchinfo, packed LSTM, batch {batch}: {info.total_mult_adds / batch:,.0f} per sample"
        )


if __name__ == "__main__":
    main()
