"""Make, copy, name and drop the databases of the test runner.

Usage: ``database.py COMMAND ARGUMENT...``; the server comes from libpq's ``PG*`` variables.

- ``labelled NAME LABEL``: exit 0 when database NAME exists and carries LABEL as its comment, else 1
- ``exists NAME``: exit 0 when it exists, else 1
- ``label NAME LABEL``, ``rename OLD NEW``, ``drop NAME`` (missing is fine)
- ``copy TEMPLATE NAME``: recreate NAME as a copy of TEMPLATE
"""

import sys

import psycopg2
from psycopg2 import sql

# The comment of a database, one row when the database exists.
COMMENT_QUERY = """
    SELECT shobj_description(oid, 'pg_database') FROM pg_database WHERE datname = %s
"""


def labelled(cursor, name, label):
    cursor.execute(COMMENT_QUERY, (name,))
    return cursor.fetchone() == (label,)


def exists(cursor, name):
    cursor.execute(COMMENT_QUERY, (name,))
    return cursor.fetchone() is not None


def label(cursor, name, text):
    statement = sql.SQL("COMMENT ON DATABASE {} IS {}")
    cursor.execute(statement.format(sql.Identifier(name), sql.Literal(text)))
    return True


def rename(cursor, old, new):
    statement = sql.SQL("ALTER DATABASE {} RENAME TO {}")
    cursor.execute(statement.format(sql.Identifier(old), sql.Identifier(new)))
    return True


def drop(cursor, name):
    # FORCE (PostgreSQL 13) ends what a killed run has left connected.
    statement = sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)")
    cursor.execute(statement.format(sql.Identifier(name)))
    return True


def copy(cursor, template, name):
    drop(cursor, name)
    statement = sql.SQL("CREATE DATABASE {} TEMPLATE {}")
    cursor.execute(statement.format(sql.Identifier(name), sql.Identifier(template)))
    return True


COMMANDS = {
    function.__name__: function for function in (labelled, exists, label, rename, drop, copy)
}


def main(command, *arguments):
    """Run one command outside a transaction; return the exit status."""
    connection = psycopg2.connect(dbname="postgres")
    try:
        connection.autocommit = True
        with connection.cursor() as cursor:
            return 0 if COMMANDS[command](cursor, *arguments) else 1
    finally:
        connection.close()


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
