"""The form: model, images, settings."""
