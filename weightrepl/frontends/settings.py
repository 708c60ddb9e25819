"""What a user may set: a table of settings, the commented file that keeps them, the folders of the platform."""

from __future__ import annotations


class Settings:
    """The settings as they are now. `settings["complete-while-typing"]`."""
