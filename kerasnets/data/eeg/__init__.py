"""EEG: the Bonn recordings, their table and a simulation."""
