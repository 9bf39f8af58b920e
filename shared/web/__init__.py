"""What every function shares on its HTTP side: one application factory."""

from shared.web.app import build_app

__all__ = ["build_app"]
