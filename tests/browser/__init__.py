"""Notebooks as people see them: JupyterLab, Notebook and saved pages in a real browser (`make test-browser`)."""
