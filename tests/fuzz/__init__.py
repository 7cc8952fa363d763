"""A structure-aware fuzzer of the command line: ``python -m tests.fuzz --help``."""
