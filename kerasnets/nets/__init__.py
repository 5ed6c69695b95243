"""Networks: one pure functional-API builder per kind of network, and a catalogue of names."""

from kerasnets.nets.catalogue import build as build
from kerasnets.nets.catalogue import describe as describe
from kerasnets.nets.catalogue import list_nets as list_nets
from kerasnets.nets.catalogue import register as register
from kerasnets.nets.catalogue import variant as variant
from kerasnets.nets.saved import load_model as load_model
from kerasnets.nets.spec import NetSpec as NetSpec
