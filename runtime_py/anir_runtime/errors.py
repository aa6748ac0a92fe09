"""Exceptions and warnings that users see as a single line."""


class AnirError(Exception):
    """A failure with a one-line message that says what is wrong and what to do."""

    exit_code = 1


class UsageError(AnirError):
    """An invalid command line."""

    exit_code = 2


class InterruptError(AnirError):
    """An interruption by Ctrl-C, reported after cleaning up."""

    exit_code = 130


class AnirWarning(UserWarning):
    """A one-line message for the user about a job that continues."""
