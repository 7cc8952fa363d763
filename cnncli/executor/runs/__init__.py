"""From a command to a run folder, and predictions from such a folder.

``job`` is what a command asks for, ``setup`` builds it on its device, ``running`` trains, ``recorder`` writes the run
folder meanwhile, and ``endings`` reports how a training ended.
"""
