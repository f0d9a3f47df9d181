"""The demo campus: who is there and what goes wrong, made in plain Python from a seed.

`campus.py` holds people and places, the `.txt` files what people write, `stories.py` reads those, and `history.py`
makes ninety days of tickets of it. `large/` does the same for a campus of any size. None of them knows a database:
`insert_dummy_data.py` writes what they tell. Of a large campus `rows.py` computes the rows and `load.py` inserts them.
"""
