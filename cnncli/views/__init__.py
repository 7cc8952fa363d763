"""The presentation of results: as tables, or in formats for programs and documents."""
