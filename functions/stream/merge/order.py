"""In which order the fragments of two tracks follow each other. Pure.

Fragments cannot be cut, so that sound comes in lumps of several seconds. Each lump follows the first video fragment that begins
with it or later: a player that seeks to a video fragment which has sound behind it finds picture and sound in one go. (Before it
instead, and players decode several seconds too much, or are silent for as long.)
"""

from collections.abc import Iterator, Sequence

from functions.stream.merge.layout import AUDIO, VIDEO, Track


def follow(
    video: Sequence[int], audio: Sequence[int], *, video_scale: int = 1, audio_scale: int = 1
) -> Iterator[tuple[Track, int]]:
    """Track and number of every fragment.

    :param video: when each fragment begins, ascending, in ``1 / video_scale`` seconds
    :param audio: the same, in ``1 / audio_scale`` seconds; the first one always follows the first of the video
    """
    following = 0
    for index, begins in enumerate(video):
        yield VIDEO, index
        while following < len(audio) and (following == 0 or audio[following] * video_scale <= begins * audio_scale):
            yield AUDIO, following
            following += 1
    for index in range(following, len(audio)):
        yield AUDIO, index
