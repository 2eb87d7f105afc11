"""The one exception that is meant for a person."""


class InputError(Exception):
    """Somebody asked for something that cannot be done: a bad setting, file, size or name.

    The message is one or two sentences: what was wrong, with what, what is allowed, what to do next.
    It is shown as it stands, without a traceback, and the command exits with code 2.
    """
