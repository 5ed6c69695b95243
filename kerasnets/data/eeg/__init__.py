"""EEG: the Bonn recordings and a simulation of them."""
