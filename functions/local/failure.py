class LaunchError(Exception):
    """Something cannot start or go on; the message is all that a person at the terminal needs."""
