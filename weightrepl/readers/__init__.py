"""The only code that knows a format: live objects and files, each given as a tree."""
