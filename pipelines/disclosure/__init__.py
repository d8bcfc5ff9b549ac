"""What may be published of the benchmark tables."""
