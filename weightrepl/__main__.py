"""`python -m weightrepl` is the command `weightrepl`."""

from weightrepl.frontends.cli import main

if __name__ == "__main__":
    main()
