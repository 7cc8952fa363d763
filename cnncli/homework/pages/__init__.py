"""HTML pages for students: typeset derivations, small pictures of windows, and the page around them."""
