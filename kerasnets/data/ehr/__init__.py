"""Electronic health records: sequences of visits from tables of events."""
