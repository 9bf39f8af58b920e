"""``python -m bench``: every measurement in turn."""

from bench import analysis, submit

if __name__ == "__main__":
    submit.main()
    analysis.main()
