"""What a trained model is worth: the protocol that turns a model and its images into numbers with intervals."""

from workbench.appraisal.appraise import appraise
from workbench.appraisal.clock import CancelledError, Clock
from workbench.appraisal.subject import Subject

__all__ = ["CancelledError", "Clock", "Subject", "appraise"]
