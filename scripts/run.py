"""`make run`: bring the database to head, fill an empty one with the demo campus, serve. One process, one start."""

import sys


def main() -> int:
    # Not at the top: the server's workers import this file again, and need none of it.
    import insert_dummy_data
    import setup_db
    from app import create_app
    from blueprints.commands import serve, settings_to_serve
    from helpdesk import users

    settings_to_serve()  # before a database is made and filled for a server that cannot start
    if failed := setup_db.main([]) or insert_dummy_data.main(["--if-empty"]):
        return failed
    app = create_app()
    with app.app_context():
        if users.demo_admin():
            insert_dummy_data.tell_accounts()
    serve(create_app)
    return 0


if __name__ == "__main__":
    sys.exit(main())
