"""The rules: plain Python and SQL. Nothing here knows of requests, cookies or pages."""
