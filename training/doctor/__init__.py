"""The doctor: what is wrong with a run, told from the signals of its ticks, and what to try.

``catalogue.py`` lists the diseases, ``diagnosis.py`` looks for them. Knows no network and no image.
"""
