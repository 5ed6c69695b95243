"""Data sets: loaded by name, made from your own data, described and fetched."""

from kerasnets.data.catalogue import as_dataset as as_dataset
from kerasnets.data.catalogue import list_datasets as list_datasets
from kerasnets.data.catalogue import load_data as load_data
from kerasnets.data.dataset import Dataset as Dataset
from kerasnets.data.ehr.to_meds import to_meds as to_meds
from kerasnets.data.ehr.visits import VisitSequences as VisitSequences
from kerasnets.data.fetch import fetch as fetch
from kerasnets.data.new_rows import read_inputs as read_inputs
from kerasnets.data.split import Split as Split
from kerasnets.data.statistics import describe as describe
from kerasnets.data.statistics import describe_text as describe_text
from kerasnets.data.statistics import statistics as statistics
from kerasnets.data.tables.codebook import encode_table as encode_table
