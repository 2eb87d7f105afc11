"""genbench: a workbench for deep generative models that lives in a terminal."""

__version__ = "0.1.0"
