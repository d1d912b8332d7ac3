"""The commands of `provender`, one file each, found by name: the file `whatif.py` holds the command `whatif`."""
