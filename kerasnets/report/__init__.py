"""Pages that show a run and run its net, as single HTML files."""

from kerasnets.report.write import Report as Report
from kerasnets.report.write import write_comparison as write_comparison
from kerasnets.report.write import write_report as write_report
