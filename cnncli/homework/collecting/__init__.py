"""What a class has handed in: folders, the archives and form exports of teaching platforms, and who handed in what."""
