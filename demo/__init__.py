"""The demo campus: who is there and what goes wrong, made in plain Python from a seed. Knows no database.

`campus.py` holds people and places, the `.txt` files what people write, `stories.py` reads those, and `history.py`
makes ninety days of tickets of it. `insert_dummy_data.py` writes them.
"""
