"""The ways in: each only translates between its library and the session."""
