"""What is shown of a network: rows and columns, as a table or in a format for programs and papers."""
