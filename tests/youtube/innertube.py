"""What the innertube API says of a video: the player response and the data around it."""

from typing import Any

from .catalogue import BOT_CHECKED, Caption, Playability, Video
from .media import MediaFile, files
from .urls import address

_ELSEWHERE = Playability(
    status="UNPLAYABLE",
    reason="Video unavailable",
    subreason="Playback on other websites has been disabled by the video owner",
)
_STORYBOARD = "https://i.ytimg.com/sb/{}/storyboard3_L$L/$N.jpg?sqp=x|48#27#100#10#10#0#default#rs$stand-in"


def player_response(video: Video, *, client: str, exit_address: str, has_player_token: bool = False) -> dict[str, Any]:
    """The answer to /youtubei/v1/player for one client."""
    playability = _playability(video, client, has_player_token)
    response: dict[str, Any] = {
        "responseContext": {"visitorData": visitor_data(video)},
        "playabilityStatus": _playability_status(playability),
        "videoDetails": _details(video),
        **_advertisement(video),
    }
    if client in {"WEB", "MWEB"}:
        response["microformat"] = {"playerMicroformatRenderer": _microformat(video, playability)}
    if playability.status == "OK":
        response["streamingData"] = _streaming_data(video, client, exit_address)
        if video.captions:
            response["captions"] = {"playerCaptionsTracklistRenderer": _captions(video)}
        if video.live_status != "is_live":
            response["storyboards"] = {"playerStoryboardSpecRenderer": {"spec": _STORYBOARD.format(video.video_id)}}
    return response


def next_response(video: Video) -> dict[str, Any]:
    """ytInitialData of the watch page, also the answer to /youtubei/v1/next: owner, date, numbers."""
    primary = {
        "title": {"runs": [{"text": video.title}]},
        "dateText": {"simpleText": "May 4, 2026"},
        "viewCount": {"videoViewCountRenderer": {"viewCount": {"simpleText": f"{video.view_count:,} views"}}},
    }
    owner = {
        "title": {"runs": [{"text": video.author}]},
        "subscriberCountText": {"simpleText": "12.3K subscribers"},
        "navigationEndpoint": {"browseEndpoint": {"browseId": video.channel_id, "canonicalBaseUrl": f"/{video.handle}"}},
    }
    contents = [
        {"videoPrimaryInfoRenderer": primary},
        {"videoSecondaryInfoRenderer": {"owner": {"videoOwnerRenderer": owner}}},
    ]
    return {
        "responseContext": {"visitorData": visitor_data(video)},
        "contents": {"twoColumnWatchNextResults": {"results": {"results": {"contents": contents}}}},
        "currentVideoEndpoint": {"watchEndpoint": {"videoId": video.video_id}},
    }


def visitor_data(video: Video | None = None) -> str:
    return f"Cgt2aXNpdG9y{video.video_id if video else 'homepage'}%3D%3D"


def _playability(video: Video, client: str, has_player_token: bool) -> Playability:
    if client in video.blocked_clients:
        return BOT_CHECKED
    if client == "WEB_EMBEDDED_PLAYER" and not video.is_embeddable:
        return _ELSEWHERE
    if video.needs_player_token and not has_player_token:
        return video.unproven
    return video.playability


def _playability_status(playability: Playability) -> dict[str, Any]:
    status: dict[str, Any] = {"status": playability.status, "playableInEmbed": True}
    if playability.status == "OK":
        return status
    error = {"reason": {"simpleText": playability.reason}}
    if playability.subreason:
        error["subreason"] = {"simpleText": playability.subreason}
    status |= {"reason": playability.reason, "errorScreen": {"playerErrorMessageRenderer": error}}
    if playability.is_captcha:
        status["errorScreen"]["playerCaptchaViewModel"] = {"title": "Captcha"}
    return status


def _details(video: Video) -> dict[str, Any]:
    details = {
        "videoId": video.video_id,
        "title": video.title,
        "lengthSeconds": str(0 if video.live_status in {"is_live", "is_upcoming"} else video.duration),
        "channelId": video.channel_id,
        "shortDescription": video.description,
        "author": video.author,
        "viewCount": str(video.view_count),
        "isLiveContent": video.live_status != "not_live",
        "thumbnail": {
            "thumbnails": [{"url": f"https://i.ytimg.com/vi/{video.video_id}/hqdefault.jpg", "width": 480, "height": 360}]
        },
    }
    flag = {"is_live": "isLive", "is_upcoming": "isUpcoming", "post_live": "isPostLiveDvr"}.get(video.live_status)
    return {**details, flag: True} if flag else details


def _microformat(video: Video, playability: Playability) -> dict[str, Any]:
    microformat: dict[str, Any] = {
        "title": {"simpleText": video.title},
        "description": {"simpleText": video.description},
        "ownerProfileUrl": f"http://www.youtube.com/{video.handle}",
        "ownerChannelName": video.author,
        "externalChannelId": video.channel_id,
        "isFamilySafe": True,
        "category": "Education",
        "publishDate": video.published,
        "uploadDate": video.published,
        "availableCountries": list(playability.countries or ("DE", "FR", "US")),
    }
    if video.live_status != "not_live":
        microformat["liveBroadcastDetails"] = {"isLiveNow": video.live_status == "is_live"}
        if video.starts_at:
            microformat["liveBroadcastDetails"]["startTimestamp"] = video.starts_at
    return microformat


def _advertisement(video: Video) -> dict[str, Any]:
    """An advertisement before the video; until it could have been skipped, media is refused."""
    if not video.ad_seconds:
        return {}
    renderer = {"instreamVideoAdRenderer": {"playerVars": f"length_seconds={video.ad_seconds}"}}
    config = {"adPlacementConfig": {"kind": "AD_PLACEMENT_KIND_START"}}
    return {"adPlacements": [{"adPlacementRenderer": {"config": config, "renderer": renderer}}]}


def _streaming_data(video: Video, client: str, exit_address: str) -> dict[str, Any]:
    data: dict[str, Any] = {"expiresInSeconds": str(video.expires_in), "formats": [], "adaptiveFormats": []}
    if video.live_status == "is_live":
        return {
            **data,
            "hlsManifestUrl": f"https://manifest.googlevideo.com/api/manifest/hls_variant/id/{video.video_id}/file/index.m3u8",
        }
    for file in files(video):
        is_combined = bool(file.label.height and file.label.sample_rate)
        data["formats" if is_combined else "adaptiveFormats"].append(_format(file, video, client, exit_address))
    if video.is_sabr_only:
        data["serverAbrStreamingUrl"] = "https://rr1---sn-4g5ednsz.googlevideo.com/videoplayback?sabr=1"
    if video.has_drm:
        data["licenseInfos"] = [{"drmFamily": "WIDEVINE", "url": "https://www.youtube.com/api/drm/widevine"}]
    return data


def _format(file: MediaFile, video: Video, client: str, exit_address: str) -> dict[str, Any]:
    label = file.label
    bitrate = file.size * 8 // video.duration
    entry: dict[str, Any] = {
        "itag": label.itag,
        "mimeType": f'{label.mime}; codecs="{label.codecs}"',
        "bitrate": bitrate * 11 // 10,
        "averageBitrate": bitrate,
        "lastModified": str(file.lmt),
        "quality": label.quality,
        "approxDurationMs": str(video.duration * 1000),
        "projectionType": "RECTANGULAR",
    }
    if label.itag not in video.without_length:
        entry["contentLength"] = str(file.size)
    if file.ranges:
        for name, (first, last) in {"initRange": file.ranges.init, "indexRange": file.ranges.index}.items():
            entry[name] = {"start": str(first), "end": str(last)}
    if label.height:
        entry |= {"width": label.width, "height": label.height, "fps": label.fps, "qualityLabel": label.quality_label}
    if label.is_hdr:
        entry["colorInfo"] = _HDR
    if label.sample_rate:
        entry |= {"audioQuality": label.audio_quality, "audioSampleRate": str(label.sample_rate), "audioChannels": 2}
    return {**entry, **_track(file), **_exceptions(file, video), **_address(file, video, client, exit_address)}


_HDR = {
    "primaries": "COLOR_PRIMARIES_BT2020",
    "transferCharacteristics": "COLOR_TRANSFER_CHARACTERISTICS_SMPTEST2084",
    "matrixCoefficients": "COLOR_MATRIX_COEFFICIENTS_BT2020_NCL",
}


def _track(file: MediaFile) -> dict[str, Any]:
    if not file.track:
        return {}
    track = {"id": file.track.audio_id, "displayName": file.track.name, "audioIsDefault": file.track.is_original}
    return {"audioTrack": track, "xtags": file.xtags, **({"isDrc": True} if file.track.is_drc else {})}


def _exceptions(file: MediaFile, video: Video) -> dict[str, Any]:
    """What makes a format unfit for ranges."""
    entry: dict[str, Any] = {}
    if file.itag in video.segmented:
        entry["type"] = "FORMAT_STREAM_TYPE_OTF"
    if video.has_drm:
        entry["drmFamilies"] = ["WIDEVINE"]
    if video.live_status == "post_live" and not (file.label.height and file.label.sample_rate):
        entry["targetDurationSec"] = 5
    return entry


def _address(file: MediaFile, video: Video, client: str, exit_address: str) -> dict[str, str]:
    if video.is_sabr_only and file.itag != 18:
        return {}
    return address(file, video, client, exit_address).as_json()


def _captions(video: Video) -> dict[str, Any]:
    """Tracks, and the languages into which YouTube would translate them."""
    return {
        "captionTracks": [_caption(video, caption) for caption in video.captions],
        "translationLanguages": [
            {"languageCode": code, "languageName": {"simpleText": name}}
            for code, name in {"af": "Afrikaans", "en": "English", "fr": "French", "zh-Hans": "Chinese (Simplified)"}.items()
        ],
    }


def _caption(video: Video, caption: Caption) -> dict[str, Any]:
    kind = "&kind=asr" if caption.is_automatic else ""
    entry = {
        "baseUrl": f"https://www.youtube.com/api/timedtext?v={video.video_id}&lang={caption.language}{kind}",
        "name": {"simpleText": caption.name},
        "vssId": f"{'a' if caption.is_automatic else ''}.{caption.language}",
        "languageCode": caption.language,
        "isTranslatable": True,
    }
    return {**entry, "kind": "asr"} if caption.is_automatic else entry
