"""From a command to a run folder, and predictions from such a folder.

``job`` holds what a command requests, ``setup`` builds it on its device, ``running`` trains, ``recorder`` writes the
run folder meanwhile, and ``endings`` reports how a training ended.
"""
