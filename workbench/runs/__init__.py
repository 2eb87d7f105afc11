"""The run folder: the only code that knows a path inside it. The format is specified in docs/run-format.md."""
