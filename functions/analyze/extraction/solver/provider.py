"""The warm solver as one of yt-dlp's challenge providers: asked first, and whatever it cannot do is left to yt-dlp's own."""

from collections.abc import Iterator
from typing import Any, Final

import yt_dlp_ejs  # type: ignore[import-untyped]
from yt_dlp.extractor.youtube.jsc.provider import (  # type: ignore[import-not-found]
    JsChallengeProvider,
    JsChallengeProviderRejectedRequest,
    JsChallengeProviderResponse,
    JsChallengeRequest,
    JsChallengeResponse,
    JsChallengeType,
    NChallengeOutput,
    SigChallengeOutput,
    register_preference,
    register_provider,
)

from functions.analyze.extraction.solver.process import Request, Response, SolverError
from functions.analyze.extraction.solver.warm import SOLVER, UnknownPlayerError

UNDERSTOOD: Final = "0.8."
"""The solver whose questions and answers are known here."""

PREFERENCE: Final = 2000
"""yt-dlp's own provider for Deno has 1000."""

_IS_UNDERSTOOD: Final = yt_dlp_ejs.version.startswith(UNDERSTOOD)
_OUTPUTS: Final = {JsChallengeType.N: NChallengeOutput, JsChallengeType.SIG: SigChallengeOutput}


class WarmJCP(JsChallengeProvider):  # type: ignore[misc]
    """Made by yt-dlp for each job; what lasts is :data:`SOLVER`."""

    _SUPPORTED_TYPES = tuple(_OUTPUTS)

    def is_available(self) -> bool:
        """Whether there is a runtime, and a solver that is understood."""
        return bool(self._deno) and _IS_UNDERSTOOD and not SOLVER.is_given_up

    def _real_bulk_solve(self, requests: list[Any]) -> Iterator[Any]:
        """Solve all challenges of one player in one go, as they usually come."""
        for url in dict.fromkeys(request.input.player_url for request in requests):
            asked = [request for request in requests if request.input.player_url == url]
            answers = self._answers(url, asked)
            self.logger.info("Solving JS challenges in the warm solver")  # shown as progress
            yield from answers

    def _answers(self, player_url: str, asked: list[Any]) -> list[Any]:
        try:
            requests = [Request(request.type.value, request.input.challenges) for request in asked]
            return list(map(_response, asked, SOLVER.solve(self._deno, player_url, requests)))
        except UnknownPlayerError as error:
            raise JsChallengeProviderRejectedRequest(f"The warm solver {error}") from error
        except Exception as error:
            SOLVER.end()
            reason = f"The warm solver {error if isinstance(error, SolverError) else f'failed ({type(error).__name__})'}"
            self.logger.warning(reason)  # nothing is lost, but time
            raise JsChallengeProviderRejectedRequest(reason) from error

    @property
    def _deno(self) -> str:
        return ((self.ie.get_param("js_runtimes") or {}).get("deno") or {}).get("path") or ""


def _response(request: JsChallengeRequest, response: Response) -> JsChallengeProviderResponse:
    """Rejected rather than wrong: yt-dlp would warn of it and go on as well, but a warning means more than that here."""
    if not _is_solved(request, response.data):
        return JsChallengeProviderResponse(request, error=JsChallengeProviderRejectedRequest("the warm solver has no solution"))
    return JsChallengeProviderResponse(request, JsChallengeResponse(request.type, _OUTPUTS[request.type](response.data)))


def _is_solved(request: JsChallengeRequest, solutions: dict[str, str]) -> bool:
    """A player that fails inside returns the challenge of an "n" behind some word."""
    if solutions.keys() != set(request.input.challenges):
        return False
    return request.type is not JsChallengeType.N or not any(solution.endswith(n) for n, solution in solutions.items())


def register() -> None:
    """Let yt-dlp ask here first.

    :raises TypeError: if it expects something else of a provider; it would fail with one that it cannot make
    """
    if missing := WarmJCP.__abstractmethods__:
        raise TypeError(", ".join(missing))
    register_provider(WarmJCP)
    register_preference(WarmJCP)(lambda _provider, _requests: PREFERENCE)
