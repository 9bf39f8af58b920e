"""``python -m functions.stream``: the function on HOST:PORT."""

from functions.stream.app import create_app
from shared.serve import serve

if __name__ == "__main__":
    serve(create_app, name="stream", grace=lambda settings: settings.stream_grace)
