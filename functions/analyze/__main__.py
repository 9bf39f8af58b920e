"""``python -m functions.analyze``: the function on HOST:PORT."""

from functions.analyze.app import create_app
from shared.serve import serve

if __name__ == "__main__":
    serve(create_app, name="analyze")
