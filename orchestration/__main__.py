"""`python -m orchestration`: the program behind `./provender`."""

from orchestration.cli import main

if __name__ == "__main__":
    raise SystemExit(main())
