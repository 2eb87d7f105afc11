"""The whole teaching lab in one command: three runs, six figures, one table, one report."""
