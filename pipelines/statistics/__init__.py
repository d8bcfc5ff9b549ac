"""The statistics of a count: one module per method, each function with its source. Worked numbers: docs/methods.md."""
