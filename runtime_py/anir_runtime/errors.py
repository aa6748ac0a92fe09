"""The exceptions that reach a user as a single line."""


class AnirError(Exception):
    """A failure with a one-line message that says what is wrong and what to do."""

    exit_code = 1


class UsageError(AnirError):
    """A command line that cannot be meant as it stands."""

    exit_code = 2


class InterruptError(AnirError):
    """Ctrl-C, after what was under way has been put in order."""

    exit_code = 130


class AnirWarning(UserWarning):
    """Something that a user should know although the job goes on, in one line."""
