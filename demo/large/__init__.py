"""A campus of any size around the small one: forty buildings, thousands of people, eighteen months. Knows no database.

`people.py` has its names and places, the `.txt` files what goes wrong there, in words that are drawn anew for each
ticket; `telling.py` tells one, `arrivals.py` says when they come in and what has become of them.
"""
