"""Where arrays come from: one module a data set, the types, and tf.data pipelines."""

from kerasnets.data.catalogue import list_datasets as list_datasets
from kerasnets.data.catalogue import load_data as load_data
from kerasnets.data.dataset import Dataset as Dataset
from kerasnets.data.dataset import Split as Split
from kerasnets.data.ehr.visits import VisitSequences as VisitSequences
from kerasnets.data.fetch import fetch as fetch
from kerasnets.data.statistics import describe as describe
from kerasnets.data.statistics import describe_text as describe_text
from kerasnets.data.statistics import statistics as statistics
from kerasnets.data.tables.encode import encode_table as encode_table
