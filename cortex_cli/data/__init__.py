"""Tables that ship with the package, so that nothing is downloaded at run time.

`build.py` makes them from installed packages; `README.md` names source and licence of each.
"""
