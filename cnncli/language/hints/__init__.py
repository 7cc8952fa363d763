"""What a text that is not the language probably means: typing errors, other notations, other kinds of files."""
