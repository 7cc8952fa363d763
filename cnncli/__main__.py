"""The entry point: runs a command and turns every outcome into an exit code and a message."""

from __future__ import annotations

import os
import sys

INTERRUPTED = 130
OUT_OF_MEMORY = ("allocate memory", "out of memory")  # texts of torch's RuntimeErrors
INSTALLED_AS = {"PIL": "pillow", "torch": "'torch>=2.6'", "yaml": "pyyaml"}  # names on PyPI, where they differ


def main() -> None:
    """Run ``cnn``. Never returns: exits with 0, 1 (a negative answer), 2 (invalid) or 130 (interrupted)."""
    try:
        sys.exit(_run_guarded())
    except KeyboardInterrupt:
        sys.exit(INTERRUPTED)


def _run_guarded() -> int:
    from cnncli.errors import CnnError
    from cnncli.io.terminal import guarded

    if "_CNN_COMPLETE" in os.environ:
        return _run()  # click answers the shell in bytes
    try:
        with guarded():
            return _run()
    except CnnError as error:  # raised by the streams themselves
        _complain(str(error))
        return error.exit_code


def _run() -> int:
    from cnncli.commands import cnn

    try:
        result = cnn.main(prog_name="cnn", standalone_mode=False)
        sys.stdout.flush()
        return result if isinstance(result, int) else 0
    except (Exception, SystemExit) as error:
        return _exit_code(error)


def _exit_code(error: Exception | SystemExit) -> int:
    """The exit code for what a command has raised, after its message."""
    import click

    from cnncli.errors import CnnError, Interrupted

    if isinstance(error, CnnError):
        _complain(str(error))
        return error.exit_code
    if isinstance(error, click.ClickException):
        error.show()
        return error.exit_code
    if isinstance(error, Interrupted):
        return error.exit_code
    if isinstance(error, click.exceptions.Abort):
        return INTERRUPTED
    if isinstance(error, BrokenPipeError | SystemExit):
        if isinstance(error, SystemExit) and "_CNN_COMPLETE" in os.environ:
            raise error
        _discard_output()
        # the reader has closed the pipe: cnn … | head. Click and rich exit with 1, which would mean the answer no
        return 0
    return _complain_of(error)


def _complain_of(error: Exception) -> int:
    """Print the message for an error that is not cnn's or click's, and return the exit code."""
    from cnncli.arithmetic.size import Undecided
    from cnncli.errors import NO

    if isinstance(error, Undecided):
        _complain(
            "cnn: the answer depends on the symbolic sizes in a way that no single formula gives\n"
            "  use numbers in --input"
        )
        return NO
    if isinstance(error, OSError):
        _discard_output()
        _complain(f"cnn: {error.strerror or error}{f': {error.filename}' if error.filename else ''}")
        return 2
    if os.environ.get("CNN_DEBUG"):
        raise error
    _complain(_unexpected(error))
    return 2


def _unexpected(error: Exception) -> str:
    """The message for an error that no command handles."""
    from cnncli.errors import INTERNAL_ERROR

    if isinstance(error, RecursionError):
        return "cnn: the input is nested too deeply"
    if isinstance(error, MemoryError) or any(words in str(error) for words in OUT_OF_MEMORY):
        return "cnn: out of memory\n  use a smaller network, batch or dataset"
    package = (error.name or "").partition(".")[0] if isinstance(error, ImportError) else ""
    if package not in ("", "cnncli"):
        missing = isinstance(error, ModuleNotFoundError)
        return (
            f"cnn: this needs the package {package}, "
            f"{'which is not installed' if missing else f'which cannot be imported: {error}'}\n"
            f"  pip install {INSTALLED_AS.get(package, package)}"
        )
    return (
        f"cnn: {INTERNAL_ERROR}: {type(error).__name__}: {error}\n  please report it; CNN_DEBUG=1 prints the traceback"
    )


def _complain(text: str) -> None:
    from cnncli.io.escaping import visible_message

    try:
        sys.stdout.flush()
        print(visible_message(text, sys.argv[1:]), file=sys.stderr)
    except OSError:
        _discard_output()


def _discard_output() -> None:
    """Point stdout at nothing, so that the interpreter's flush at exit raises nothing."""
    from cnncli.io.terminal import discard

    discard(sys.stdout)


if __name__ == "__main__":
    main()
