"""Datasets as arrays. Importing this loads neither numpy nor Pillow: a dataset's loader does, when it is used.

``registry.py`` is the table of all datasets. ``digits`` is bundled; ``mnist`` and other published ones are looked for
on disk and downloaded if need be; ``images:PATH``, ``npz:FILE``, ``csv:FILE``, ``wds:PATH`` and ``hf:NAME`` are a
user's own files, or a dataset of Hugging Face's hub.
"""

from cnncli.data.dataset import ColumnNames, Dataset, LazyImages, Split
from cnncli.data.dataset_loading import absolute_spec, load_dataset

__all__ = ["ColumnNames", "Dataset", "LazyImages", "Split", "absolute_spec", "load_dataset"]
