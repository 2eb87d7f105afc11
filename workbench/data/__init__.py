"""Every source of images becomes one `ImageSet`.

`catalogue` says which sets there are, without torch; `load.load` reads one of them.
"""
