"""What becomes of a file: refused, or planned, with a warning for each thing that a publisher should know.

Pure decisions over a `Probe`. The order of the questions is the order in which a person would ask them, so that the
cause that a refusal names is the first one that matters.
"""

from collections.abc import Sequence
from fractions import Fraction
from math import floor

import msgspec

from matinee.base.units import DurationMs, FrameRate, Pixels
from matinee.encoding.ladder import fit, video_plans
from matinee.encoding.languages import UNDETERMINED, own_name
from matinee.encoding.model import (
    STEREO,
    SURROUND,
    AudioPlan,
    AudioStream,
    Coding,
    EncodePlan,
    FilmRefused,
    FilmWarning,
    Ladder,
    Levels,
    Probe,
    RefusalReason,
    Sidecar,
    StillPlan,
    TextPlan,
    ThumbnailPlan,
    Transfer,
    VideoPlan,
    VideoStream,
    WarningCode,
)
from matinee.encoding.probing import READABLE_TEXT
from matinee.encoding.rates import double, four_fifths, lower_to

LONGEST_MS = 12 * 3_600_000
LARGEST_SIDE = 8192
SMALLEST_SIDE = 32
TARGET_LUFS = -24.0
CEILING_DBTP = -2.0
CODER_ROOM_DB = 1.0
"""AAC changes peaks by some tenths of a decibel."""
_PRIMING_MS = 100
_MOST_GAIN_DB = 20.0
SAME_END_MS = 20  # a sound may end that far from the picture: a package that says otherwise is not published (checks.sync)
_SHORT_MS = 1_000
_UNEVEN_ENDS_MS = 250
_LEAST_PART = Fraction(1, 5)
_TILE_WIDTH = 320
_TILE_GRID = 6  # 6 x 6 pictures of 320x180 are 1920x1080: the largest texture that every box takes
_MOST_TILES = 720
_MOST_STILLS = 48
_STILL_WIDTH, _STILL_HEIGHT = 1920, 1080


def refuse(name: str, cause: str, remedy: str, reason: RefusalReason) -> FilmRefused:
    """The one shape of a refusal: file, cause, remedy, on one line whatever the file's name holds."""
    return FilmRefused(f"{printable(name)}: {cause}.", remedy=remedy, reason=reason)


def printable(name: str) -> str:
    """A file name that cannot break a line or a terminal: anything that does not print is written as an escape."""
    return "".join(sign if sign.isprintable() else sign.encode("unicode_escape", "backslashreplace").decode() for sign in name)


def check_size(name: str, width: int, height: int) -> None:
    """Refuse pictures beyond what is decoded here, before a frame of them is. Raises FilmRefused."""
    if max(width, height) > LARGEST_SIDE or width * height > LARGEST_SIDE * 4352:
        raise refuse(
            name,
            f"its picture is {width}x{height}, beyond {LARGEST_SIDE}x4352",
            "Scale it down to 4K or less and add it again.",
            RefusalReason.TOO_LARGE,
        )
    if min(width, height) < SMALLEST_SIDE:
        raise refuse(
            name,
            f"its picture is {width}x{height}, too small to be a film",
            f"Give a file whose picture has at least {SMALLEST_SIDE} lines.",
            RefusalReason.NO_PICTURE,
        )


def check_length(name: str, duration: DurationMs | None) -> None:
    """Refuse films that promise more than half a day. Raises FilmRefused."""
    if duration is not None and duration > LONGEST_MS:
        raise refuse(
            name,
            f"it claims to last {duration // 3_600_000} hours, more than {LONGEST_MS // 3_600_000}",
            "Cut it into parts, or write it anew with right time stamps (ffmpeg -i FILE -c copy NEW).",
            RefusalReason.TOO_LONG,
        )


def display_size(video: VideoStream) -> tuple[Fraction, Fraction]:
    """The upright size in square pixels, without black bars. The longer measure is kept, so that no line that shows is lost."""
    shape = video.pixel_shape.fraction
    kept = video.crop or video
    width, height = Fraction(kept.width), Fraction(kept.height)
    width, height = (width * shape, height) if shape >= 1 else (width, height / shape)
    return (height, width) if video.rotation in (90, 270) else (width, height)


def output_rate(video: VideoStream, highest: int) -> FrameRate:
    """The rate that is published: that of fields or of the film that was shot; what is above the highest rate is halved."""
    return lower_to(_shown_rate(video), highest)


def chunkable(video: VideoStream) -> bool:
    """Whether parts of a film can be encoded alone, each from a run-up of two seconds, and give what the whole gives.

    Not where frames are counted in cycles from the film's start, as the repeated frames of telecined film are.
    """
    return not video.telecined


def _shown_rate(video: VideoStream) -> FrameRate:
    if video.telecined:
        return four_fifths(video.rate)
    return double(video.rate) if video.interlaced else video.rate


def plan_encode(probe: Probe, ladder: Ladder, sidecars: Sequence[Sidecar] = ()) -> EncodePlan:
    """Decide all that will be made of a film."""
    video = probe.video
    rate = output_rate(video, ladder.max_rate)
    width, height = display_size(video)
    shift = shift_of(probe, rate)
    promised, held = promised_length(probe, shift)
    rungs = video_plans(ladder, width, height, rate, video.transfer)
    keeps_hdr = any(rung.transfer is not Transfer.SDR for rung in rungs)
    warnings = [*probe.warnings, *picture_warnings(probe, rate, held, keeps_hdr), *sound_warnings(probe, promised)]
    if promised is not None and promised < _SHORT_MS:
        warnings.append(warn(WarningCode.VERY_SHORT, f"The film lasts {promised} ms only."))
    text, text_warnings = text_plans(probe, sidecars)
    return EncodePlan(
        source_name=probe.file_name,
        ladder=ladder.name,
        preset=ladder.preset,
        source=video,
        rate=rate,
        segment_frames=rate.frames_in(Fraction(ladder.segment_ms, 1000)),
        promised_ms=promised,
        held_ms=held,
        shift_us=shift,
        start_ms=probe.start_ms,
        video=rungs,
        audio=audio_plans(probe, ladder),
        text=text,
        thumbnails=thumbnail_plan(rate, promised, rungs[0].width, rungs[0].height),
        stills=still_plan(rate, promised, rungs[0].width, rungs[0].height),
        chapters=probe.chapters,
        warnings=(*warnings, *text_warnings),
        measures=ladder.measures,
        av1_preset=ladder.av1.preset,
        chunk_ms=ladder.chunk_ms,
    )


def shift_of(probe: Probe, rate: FrameRate) -> int:
    """By how many microseconds picture and sound are moved alike, so that evening out the frames does not part them.

    A picture that begins a little after its sound, as beside a coder's priming, begins the film; one that begins later stands
    on the nearest frame.
    """
    late_ms = max(0, probe.video.start_ms - probe.start_ms)
    frames = 0 if late_ms < _PRIMING_MS else round(late_ms * rate.fraction / 1000)
    return round(frames * 1_000_000 / rate.fraction) - late_ms * 1000


def with_rungs(plan: EncodePlan, rungs: tuple[VideoPlan, ...]) -> EncodePlan:
    """The plan with the rungs that were chosen for it; a coding of which none was chosen keeps those that it had.

    Its pictures are no larger than the best of them: all come from that.
    """
    chosen = {rung.coding for rung in rungs}
    video = tuple(rung for coding in Coding for rung in (rungs if coding in chosen else plan.video) if rung.coding is coding)
    plan = msgspec.structs.replace(plan, measures=False, video=video)
    size = plan.best.width, plan.best.height
    return msgspec.structs.replace(
        plan,
        thumbnails=thumbnail_plan(plan.rate, plan.promised_ms, *size),
        stills=still_plan(plan.rate, plan.promised_ms, *size),
    )


def promised_length(probe: Probe, shift_us: int = 0) -> tuple[DurationMs | None, DurationMs]:
    """How long the film should become, from the file's first time stamp, and for how long its last frame is held.

    A film lasts as long as its picture; where a sound goes on well beyond it, the last frame is held so that nothing
    that can be heard is lost.
    """
    video = probe.video
    if video.duration_ms is None:
        return probe.duration_ms, DurationMs(0)
    begin = probe.start_ms - shift_us // 1000
    picture = max(0, video.start_ms - begin) + video.duration_ms
    sounds = [max(0, sound.start_ms - begin + sound.duration_ms) for sound in probe.audio if sound.duration_ms]
    held = max(0, max(sounds, default=0) - picture)
    if held <= _UNEVEN_ENDS_MS:
        return DurationMs(picture), DurationMs(0)
    return DurationMs(picture + held), DurationMs(held)


def picture_warnings(probe: Probe, rate: FrameRate, held: DurationMs, keeps_hdr: bool) -> list[FilmWarning]:
    """What is done to the picture that its maker may not expect."""
    video, found = probe.video, []
    if video.rotation or video.mirrored:
        turn = f"turned by {video.rotation} degrees" if video.rotation else "left as it stands"
        flip = " and mirrored" if video.mirrored else ""
        found.append(warn(WarningCode.ROTATED, f"The picture was {turn}{flip}, as the file asks, to stand upright."))
    if video.pixel_shape.num != video.pixel_shape.den:
        ratio = f"{video.pixel_shape.num}:{video.pixel_shape.den}"
        found.append(warn(WarningCode.SQUARE_PIXELS, f"Its pixels of shape {ratio} were made square."))
    if video.crop is not None:
        bars = f"Black bars around its picture were cut off: {video.width}x{video.height} became"
        found.append(warn(WarningCode.CROPPED, f"{bars} {video.crop.width}x{video.crop.height}."))
    if video.telecined:
        text = f"It is film that was telecined to {_fps(video.rate)} frames; the {_fps(rate)} a second that were shot are shown."
        found.append(warn(WarningCode.TELECINE_REMOVED, text))
    if video.interlaced:
        kind = "It mixes telecined film with video" if video.mixed_fields else "It is interlaced"
        found.append(warn(WarningCode.DEINTERLACED, f"{kind}; its fields became {_fps(rate)} frames a second."))
    if video.transfer is not Transfer.SDR:
        kept = " in H.264, and kept in AV1" if keeps_hdr else ""
        found.append(warn(WarningCode.HDR_TO_SDR, f"Its HDR picture ({video.transfer.value.upper()}) was mapped to SDR{kept}."))
    if video.variable_rate:
        found.append(warn(WarningCode.FRAME_RATE_EVENED, f"Its uneven frames were evened out to {_fps(rate)} a second."))
    elif rate.fraction < _shown_rate(video).fraction:
        found.append(warn(WarningCode.FRAME_RATE_LOWERED, f"Its {_fps(video.rate)} frames a second became {_fps(rate)}."))
    if video.size_changes:
        found.append(warn(WarningCode.SIZE_CHANGES, "Its picture changes size on the way; all of it was scaled to the first."))
    if held:
        found.append(
            warn(WarningCode.AUDIO_LONGER, f"The sound goes on {held} ms after the picture; the last frame is held.")
        )
    return found


def sound_warnings(probe: Probe, promised: DurationMs | None) -> list[FilmWarning]:
    """What is done to the sound that its maker may not expect."""
    if not probe.audio:
        return [warn(WarningCode.NO_AUDIO, "It has no sound that can be used; it is published with silence.")]
    found = []
    for sound in probe.audio:
        if sound.channels > SURROUND:
            found.append(
                warn(
                    WarningCode.AUDIO_DOWNMIXED,
                    f"Sound {sound.index} ({sound.language}) has {sound.channels} channels and was mixed down to 5.1.",
                )
            )
        if promised is None or sound.duration_ms is None:
            continue
        missing = promised - (max(0, sound.start_ms - probe.start_ms) + sound.duration_ms)
        if missing > _UNEVEN_ENDS_MS:
            found.append(
                warn(
                    WarningCode.AUDIO_SHORTER,
                    f"Sound {sound.index} ({sound.language}) ends {missing} ms before the film; silence fills the rest.",
                )
            )
    return found


def audio_plans(probe: Probe, ladder: Ladder) -> tuple[AudioPlan, ...]:
    """One AAC stereo rendition for each sound, then one in 5.1 for each that has more channels than two.

    A silent film is given silence, so that every package has one shape.
    """
    if not probe.audio:
        return (
            AudioPlan(
                name="a_und",
                path="a_und.mp4",
                source_index=None,
                language=UNDETERMINED,
                label="",
                role="main",
                default=True,
                bitrate=ladder.audio_bitrate,
                source_channels=2,
            ),
        )
    names = unique_names("a", [sound.language for sound in probe.audio])
    default = _default_sound(probe.audio)
    stereo = [
        AudioPlan(
            name=name,
            path=f"{name}.mp4",
            source_index=sound.index,
            language=sound.language,
            label=sound.title or own_name(sound.language),
            role=sound.role,
            default=sound is default,
            bitrate=ladder.audio_bitrate,
            source_channels=sound.channels,
            gain_db=gain_for(sound.stereo),
        )
        for name, sound in zip(names, probe.audio, strict=True)
    ]
    surround = [
        msgspec.structs.replace(
            plan,
            name=f"{plan.name}_surround",
            path=f"{plan.name}_surround.mp4",
            default=False,
            bitrate=ladder.surround_bitrate,
            gain_db=gain_for(sound.surround),
            channels=SURROUND,
            mix_of=plan.name,
        )
        for plan, sound in zip(stereo, probe.audio, strict=True)
        if sound.channels > STEREO
    ]
    return (*stereo, *surround)


def gain_for(levels: Levels | None) -> float:
    """What brings a mix to the target loudness, in dB to a tenth: less where its peaks would come too near to full scale.

    What could not be measured is left as it is, and what is near to silence is not made into a roar.
    """
    if levels is None:
        return 0.0
    wanted = min(TARGET_LUFS - levels.integrated, CEILING_DBTP - CODER_ROOM_DB - levels.true_peak_dbtp, _MOST_GAIN_DB)
    return floor(wanted * 10) / 10


def text_plans(probe: Probe, sidecars: Sequence[Sidecar]) -> tuple[tuple[TextPlan, ...], list[FilmWarning]]:
    """Text tracks from the film and from beside it; pictures of text and unknown kinds are left out with a warning."""
    warnings: list[FilmWarning] = []
    usable = []
    for stream in probe.text:
        where = f"Subtitle stream {stream.index} ({stream.language})"
        if stream.bitmap:
            kind = f"{where} is made of pictures ({stream.codec}) and was left out; add it as text beside the film."
            warnings.append(warn(WarningCode.SUBTITLE_BITMAP, kind))
        elif stream.codec not in READABLE_TEXT:
            kind = f"{where} is of a kind that cannot be read ({stream.codec}) and was left out."
            warnings.append(warn(WarningCode.SUBTITLE_DAMAGED, kind))
        else:
            usable.append(stream)
    lifted = [_default_sound(probe.audio).language if probe.audio else UNDETERMINED] if probe.video.captions else []
    inside = [text.language for text in usable] + lifted
    names = unique_names("t", inside + [text.language for text in sidecars])
    plans = [
        TextPlan(
            name=name,
            path=f"{name}.vtt",
            source_index=stream.index,
            sidecar=None,
            language=stream.language,
            label=stream.title or own_name(stream.language),
            role=stream.role,
            default=stream.default,
        )
        for name, stream in zip(names, usable, strict=False)
    ]
    plans += [
        TextPlan(
            name=name,
            path=f"{name}.vtt",
            source_index=None,
            sidecar=None,
            language=language,
            label=f"{own_name(language)} CC".strip(),
            role="caption",
            default=False,
            captions=True,
        )
        for name, language in zip(names[len(usable) :], lifted, strict=False)
    ]
    plans += [
        TextPlan(
            name=name,
            path=f"{name}.vtt",
            source_index=None,
            sidecar=sidecar.file_name,
            language=sidecar.language,
            label=own_name(sidecar.language),
            role=sidecar.role,
            default=False,
        )
        for name, sidecar in zip(names[len(inside) :], sidecars, strict=True)
    ]
    return tuple(plans), warnings


def unique_names(kind: str, languages: Sequence[str]) -> list[str]:
    """Names by language in order, counted from the second on: a_fr, a_en, a_fr_2."""
    names: list[str] = []
    for place, language in enumerate(languages):
        again = languages[:place].count(language)
        names.append(f"{kind}_{language}" if again == 0 else f"{kind}_{language}_{again + 1}")
    return names


def thumbnail_plan(rate: FrameRate, promised: DurationMs | None, width: Pixels, height: Pixels) -> ThumbnailPlan:
    """One picture each 2, 5 or 10 seconds, by the film's length, on sheets no larger than 1920x1080 for 16:9."""
    seconds = next((each for each in (2, 5, 10) if (promised or LONGEST_MS) / 1000 / each <= _MOST_TILES), 10)
    every = max(1, rate.frames_in(Fraction(seconds)))
    tile_width, tile_height = fit(Fraction(width), Fraction(height), _TILE_WIDTH, 180)
    count = _TILE_GRID**2 if promised is None else max(1, -(-round(promised * rate.fraction / 1000) // every))
    columns = min(_TILE_GRID, count)
    rows = min(_TILE_GRID, -(-count // columns))
    return ThumbnailPlan(tile_width=tile_width, tile_height=tile_height, columns=columns, rows=rows, every_frames=every)


def still_plan(rate: FrameRate, promised: DurationMs | None, width: Pixels, height: Pixels) -> StillPlan:
    """About 48 candidates spread over the film, at most two a second, at the size of the best rung."""
    frames = round((promised or 600_000) * rate.fraction / 1000)
    every = max(1, rate.frames_in(Fraction(1, 2)), frames // _MOST_STILLS)
    size = fit(Fraction(width), Fraction(height), _STILL_WIDTH, _STILL_HEIGHT)
    return StillPlan(width=size[0], height=size[1], every_frames=every)


def outcome_warnings(plan: EncodePlan, made: DurationMs, errors: int) -> list[FilmWarning]:
    """What the encode itself showed: a film that ended early, or that was hard to decode.

    Raises FilmRefused where less than a fifth of what was promised came out.
    """
    found = []
    promised = plan.promised_ms
    if promised is not None and made < promised * _LEAST_PART:
        raise refuse(
            plan.source_name,
            f"only {made} ms of {promised} ms could be decoded",
            "The file is damaged or incomplete: copy or export it again.",
            RefusalReason.UNDECODABLE,
        )
    if promised is not None and promised - made > max(500, promised // 50):
        text = f"The file ends early: {_seconds(made)} of {_seconds(promised)} are there."
        found.append(warn(WarningCode.TRUNCATED, text))
    if errors:
        found.append(warn(WarningCode.DAMAGED, "Parts of the file are damaged; what could not be decoded was concealed."))
    return found


def warn(code: WarningCode, message: str) -> FilmWarning:
    """A warning in one line."""
    return FilmWarning(code=code, message=message)


def _default_sound(sounds: Sequence[AudioStream]) -> AudioStream:
    mains = [sound for sound in sounds if sound.role == "main"] or list(sounds)
    return next((sound for sound in mains if sound.default), mains[0])


def _fps(rate: FrameRate) -> str:
    return f"{float(rate.fraction):.2f}".rstrip("0").rstrip(".")


def _seconds(duration: DurationMs) -> str:
    return f"{duration / 1000:.1f} s"
