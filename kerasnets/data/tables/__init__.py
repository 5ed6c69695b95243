"""Tables: columns of numbers, dates and categories."""
