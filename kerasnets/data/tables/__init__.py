"""Tables of numbers, dates and categories."""
