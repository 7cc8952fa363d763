"""The languages of what students read: messages in English, and their translations from gettext catalogues.

``messages`` marks messages and translates them, ``catalogues`` reads the ``.po`` files of this folder, ``derivations``
translates the lines of derivations, which other packages write in English.
"""
