"""What students hand in: files of any encoding and kind, forms and downloaded archives, read as answer sheets."""
