"""Every failure has a name, an HTTP status and a sentence in both languages.

Domain code raises :class:`ProblemError` with a code of :data:`CATALOGUE`; :mod:`shared.web` turns it into
``application/problem+json`` (RFC 9457), and the worker stores it in the task.
"""

from collections.abc import Mapping
from typing import Final

from msgspec import Struct

from shared.schemas import Problem


class Kind(Struct, frozen=True):
    """What is fixed about a code: its status and its sentences."""

    status: int
    title: str
    title_zh: str


CATALOGUE: Final[dict[str, Kind]] = {
    # any function
    "invalid_json": Kind(400, "The body is not valid JSON.", "请求正文不是有效的 JSON。"),
    "invalid_request": Kind(422, "The request is not valid.", "请求无效。"),
    "not_found": Kind(404, "There is nothing at this address.", "此地址没有任何内容。"),
    "method_not_allowed": Kind(405, "This address does not support the method.", "此地址不支持该请求方法。"),
    "unsupported_media_type": Kind(415, "The body must be application/json.", "请求正文必须是 application/json。"),
    "too_large": Kind(413, "The request is too large.", "请求过大。"),
    "unauthorized": Kind(401, "An access key is required.", "需要访问密钥。"),
    "invalid_signature": Kind(403, "The link is not valid or no longer valid.", "链接无效或已失效。"),
    "forbidden_origin": Kind(403, "The request comes from another site.", "请求来自其他网站。"),
    "rate_limited": Kind(429, "Too many requests.", "请求过于频繁。"),
    "queue_full": Kind(503, "Too many analyses are waiting.", "等待分析的任务过多。"),
    "store_unavailable": Kind(503, "The store does not answer.", "存储服务无响应。"),
    "internal_error": Kind(500, "Something went wrong on this side.", "服务内部出错。"),
    # analyze and status
    "unsupported_url": Kind(422, "This is not the URL of a YouTube video.", "这不是 YouTube 视频的网址。"),
    "unknown_task": Kind(404, "There is no such task.", "没有这个任务。"),
    # stream
    "unknown_format": Kind(404, "The video has no such format.", "该视频没有这个格式。"),
    "incompatible_formats": Kind(422, "These formats cannot be one file.", "这些格式无法合并为一个文件。"),
    "source_changed": Kind(412, "The source file is no longer the one the link was made for.", "源文件已经改变，与链接不符。"),
    "range_not_satisfiable": Kind(416, "The file has no such bytes.", "文件没有所请求的字节。"),
    "analysis_pending": Kind(503, "The video is being analysed again.", "正在重新分析该视频。"),
    "too_many_downloads": Kind(429, "Too many downloads are running.", "正在进行的下载过多。"),
    "client_idle": Kind(408, "The client has taken nothing for too long.", "客户端长时间未接收数据。"),
    "too_many_connections": Kind(429, "This download has too many connections.", "该下载的连接数过多。"),
    "source_refused": Kind(502, "YouTube refused to hand out the file.", "YouTube 拒绝提供该文件。"),
    "source_timeout": Kind(504, "YouTube did not answer in time.", "YouTube 未及时响应。"),
    "source_unreadable": Kind(502, "YouTube's answer makes no sense.", "无法理解 YouTube 的响应。"),
    # the video: final at once
    "video_private": Kind(403, "The video is private.", "该视频为私享视频。"),
    "video_removed": Kind(404, "The video has been removed.", "该视频已被移除。"),
    "video_unavailable": Kind(404, "The video is not available.", "该视频不可用。"),
    "members_only": Kind(403, "The video is for members of the channel only.", "该视频仅限频道会员观看。"),
    "age_restricted": Kind(403, "The video is age-restricted.", "该视频有年龄限制。"),
    "geo_blocked": Kind(403, "The video is not available in the country of the exit.", "该视频在出口所在国家或地区不可用。"),
    "drm_protected": Kind(403, "The video is protected by DRM.", "该视频受 DRM 保护。"),
    "live_now": Kind(409, "The video is live now.", "该视频正在直播。"),
    "not_yet_available": Kind(409, "The video has not been published yet.", "该视频尚未发布。"),
    # the attempt: retried, then final
    "bot_check": Kind(502, "YouTube asks this exit to prove that it is not a bot.", "YouTube 要求此出口证明不是机器人。"),
    "source_rate_limited": Kind(503, "YouTube limits the rate of this exit.", "YouTube 限制了此出口的请求频率。"),
    "captcha_required": Kind(502, "YouTube asks this exit for a captcha.", "YouTube 要求此出口完成验证码。"),
    "token_rejected": Kind(502, "YouTube rejected the PO token.", "YouTube 拒绝了 PO 令牌。"),
    "token_provider_unavailable": Kind(503, "The PO token service does not answer.", "PO 令牌服务无响应。"),
    "challenge_failed": Kind(502, "YouTube's JavaScript challenge could not be solved.", "无法解出 YouTube 的 JavaScript 质询。"),
    "formats_incomplete": Kind(502, "YouTube did not list every format.", "YouTube 未列出全部格式。"),
    "network_error": Kind(502, "YouTube could not be reached.", "无法连接 YouTube。"),
    "proxy_unreachable": Kind(502, "The proxy could not be reached.", "无法连接代理。"),
    "proxy_auth_failed": Kind(502, "The proxy refused the credentials.", "代理拒绝了凭据。"),
    "proxy_exit_unstable": Kind(502, "The proxy's exit address keeps changing.", "代理的出口地址不稳定。"),
    "analysis_timeout": Kind(504, "The analysis took too long.", "分析超时。"),
    # why a format is missing
    "segmented_only": Kind(502, "The format exists only in segments.", "该格式仅以分段形式提供。"),
    "sabr_only": Kind(502, "The format is only served over SABR.", "该格式仅通过 SABR 提供。"),
}


class ProblemError(Exception):
    """A failure with a name. ``detail`` is for people and must not contain URLs of media, tokens or credentials.

    ``headers`` are further fields of the answer, such as the Content-Range of a 416.
    """

    def __init__(
        self,
        code: str,
        detail: str | None = None,
        *,
        retry_after: int | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> None:
        kind = CATALOGUE[code]
        super().__init__(detail or kind.title)
        self.code = code
        self.detail = detail or kind.title
        self.retry_after = retry_after
        self.headers = dict(headers or {})

    @property
    def status(self) -> int:
        """HTTP status of the code."""
        return CATALOGUE[self.code].status

    def to_problem(self) -> Problem:
        """The public form."""
        return problem(self.code, self.detail, retry_after=self.retry_after)


def problem(code: str, detail: str | None = None, *, retry_after: int | None = None) -> Problem:
    """The problem with this code; ``type`` is a URN, since the codes are documented in each function's OpenAPI document."""
    kind = CATALOGUE[code]
    return Problem(
        type=f"urn:sluice:problem:{code}",
        title=kind.title,
        status=kind.status,
        detail=detail or kind.title,
        code=code,
        retry_after=retry_after,
    )
