"""Plans as command lines: pure, so that a test asserts each whole line as one string.

Every run of ffmpeg here decodes a file that a stranger may have made. So: no standard input, no protocol but `file`, only
demuxers of film containers (a playlist or a picture posing as a film is never opened), bounded decoder threads, and
the film named as a `file:` path, which no leading dash, quote, newline or `%d` can turn into something else. Outputs
are plain names in the folder that the process is started in.

One run makes everything: the film is decoded once, its frames are evened out to the exact rate, scaled to the best
rung, and split from there.
"""

from collections.abc import Iterable, Sequence
from pathlib import Path

from matinee.base.units import BitsPerSecond, DurationMs, FrameRate
from matinee.encoding.model import (
    SURROUND,
    AudioPlan,
    AudioStream,
    Coding,
    EncodePlan,
    StillPlan,
    ThumbnailPlan,
    Transfer,
    VideoPlan,
    VideoStream,
    mixes_of,
)
from matinee.outside.tools import Tools

FILM_FORMATS = "mov,mp4,matroska,webm,mpegts,mpeg,avi,flv,asf,ogg,mxf,mpegvideo,h264,hevc,m4v,ivf,obu,nut,wtv,rm,dv,gxf"
"""Demuxers of films. Not here on purpose: hls, dash, concat, image2 and its pipes, sdp, rtsp, lavfi, ffmetadata."""

Window = tuple[int, int]
"""Frames of a film at its own rate: from the first up to, not including, the second."""

MAX_PIXELS = 8192 * 4352
DECODER_THREADS = 4
LOOK_FRAMES = 24
TIMED_PACKETS = 1500
CUTS_FILE = "cuts.txt"
_CUT_THRESHOLD = 10
_LIT = "format=yuv420p12,lutyuv=y='if(lt(val,768),max(0,floor((val-256)/8)),4095)',cropdetect=limit=17.5/4095"
"""What is lit, in 12 bits. cropdetect goes by the mean of a row or column, in which a word within a bar is lost. So what is
surely lit (48 of 255) counts most, some eight dots of it in a row of 1920; of the rest the mean must reach 25, as a bar's noise
does not."""
_HEADROOM_DB = 12
"""More than any mix of eight channels adds, and what a lossy coder may go beyond full scale."""

_GUARDS = ["-protocol_whitelist", "file", "-format_whitelist", FILM_FORMATS]
QUIET = ["-hide_banner", "-nostdin", "-y", "-loglevel", "level+info", "-nostats"]
NO_TRACES = ["-map_metadata", "-1", "-map_chapters", "-1", "-fflags", "+bitexact"]


_COLOURS = {
    Transfer.SDR: ["-color_primaries", "bt709", "-color_trc", "bt709", "-colorspace", "bt709"],
    Transfer.PQ: ["-color_primaries", "bt2020", "-color_trc", "smpte2084", "-colorspace", "bt2020nc"],
    Transfer.HLG: ["-color_primaries", "bt2020", "-color_trc", "arib-std-b67", "-colorspace", "bt2020nc"],
}
_WITHOUT_METADATA = ["-bsf:v", "filter_units=remove_types=5"]
"""What is told of the mastering stands in boxes of the file, and not in the stream as well: packagers fail at it there."""


def source_url(source: Path) -> str:
    """A film's name as ffmpeg takes it without reading anything into it. The path must be absolute."""
    return f"file:{source.absolute()}"


def streams_command(tools: Tools, source: Path) -> list[str]:
    """Ask for the container, its streams and chapters, as JSON."""
    return [
        tools.ffprobe,
        *["-hide_banner", "-loglevel", "error", *_GUARDS],
        *["-print_format", "json", "-show_format", "-show_streams", "-show_chapters", source_url(source)],
    ]


def times_command(tools: Tools, source: Path, interval: str, stream: int | None = None) -> list[str]:
    """Ask for the times of all packets in an interval (ffprobe's read_intervals), as CSV, without decoding."""
    return [
        *[tools.ffprobe, *([] if stream is None else ["-select_streams", str(stream)])],
        *["-hide_banner", "-loglevel", "error", *_GUARDS, "-read_intervals", interval, "-print_format", "csv=p=0"],
        *["-show_entries", "packet=stream_index,pts_time,duration_time", source_url(source)],
    ]


def look_command(tools: Tools, source: Path, stream: int) -> list[str]:
    """Decode the first frames and tell what they are."""
    return [
        tools.ffmpeg,
        *QUIET,
        *film_input(source),
        *["-map", f"0:{stream}", "-vf", "showinfo=checksum=0", "-frames:v", str(LOOK_FRAMES), "-f", "null", "-"],
    ]


def measure_command(
    tools: Tools, source: Path, video: VideoStream, sounds: Sequence[AudioStream], every_frame: bool
) -> list[str]:
    """Go through the whole film once: what is lit in its pictures, and how loud each mix of its sounds is.

    Of a long film the pictures are those that stand alone, at most one a second; of a short one, four a second.
    """
    step = 0.25 if every_frame else 1
    seen = (
        f"[0:{video.index}]select='isnan(prev_selected_t)+gte(t-prev_selected_t,{step})',scale={video.width}:{video.height},"
        f"{_LIT}:round=2:skip=0:reset=1,metadata=mode=print:file=-[seen]"
    )
    argv = [tools.ffmpeg, *QUIET, "-max_error_rate", "1", "-reinit_filter", "0"]
    argv += [*([] if every_frame else ["-skip_frame:v", "nokey"]), *film_input(source), "-filter_complex", seen]
    mixes = [(sound, channels) for sound in sounds for channels in mixes_of(sound)]
    for sound, channels in mixes:
        name = level_name(sound, channels)
        mix = _mixed(sound.index, sound.channels, channels, 0)
        argv += ["-filter_complex", f"{mix},ebur128@{name}=peak=true:framelog=quiet[{name}]"]
    argv += ["-map", "[seen]", "-fps_mode", "passthrough", "-f", "null", "-"]
    for sound, channels in mixes:
        argv += ["-map", f"[{level_name(sound, channels)}]", "-f", "null", "-"]
    return argv


def fields_command(tools: Tools, source: Path, video: VideoStream, start_ms: int, frames: int) -> list[str]:
    """Look at the fields of one part of a film: first at what its frames say of themselves, since idet changes that."""
    filters = "showinfo=checksum=0,idet,metadata=mode=print:file=-"
    return [
        *[tools.ffmpeg, *QUIET, *(["-ss", f"{start_ms / 1000:.3f}"] if start_ms else []), *film_input(source)],
        *["-map", f"0:{video.index}", "-vf", filters, "-frames:v", str(frames), "-fps_mode", "passthrough", "-f", "null", "-"],
    ]


def captions_command(tools: Tools, source: Path, video: VideoStream) -> list[str]:
    """Copy a picture's stream without its pictures: user data alone, with one mark before each packet's."""
    match video.codec:
        case "h264":
            steps, form = "filter_units=remove_types=9,h264_metadata=aud=insert,filter_units=pass_types=6|9", "h264"
        case "hevc":
            steps, form = "filter_units=remove_types=35,hevc_metadata=aud=insert,filter_units=pass_types=35|39", "hevc"
        case _:
            steps, form = "filter_units=pass_types=0|178", "mpeg2video"
    return [
        *[tools.ffmpeg, *QUIET, *film_input(source), "-map", f"0:{video.index}", "-c", "copy", "-copyts"],
        *["-bsf:v", steps, "-f", form, "-"],
    ]


def scenarist_command(tools: Tools, name: str) -> list[str]:
    """Captions that we wrote down ourselves as WebVTT still to be cleaned."""
    return [tools.ffmpeg, *QUIET, "-f", "scc", "-i", f"{name}.scc", "-c:s", "webvtt", "-f", "webvtt", f"{name}.raw"]


def level_name(sound: AudioStream, channels: int) -> str:
    """What the measure of a sound's mix is called in what ffmpeg says."""
    return f"m{sound.index}_{channels}"


def encode_command(plan: EncodePlan, source: Path, tools: Tools) -> list[str]:
    """The one run: every rung, every sound, thumbnails, stills, cuts and loudness from one decode."""
    argv = [tools.ffmpeg, *QUIET, "-progress", "pipe:1", "-stats_period", "0.5", "-max_error_rate", "1"]
    argv += ["-reinit_filter", "0", *film_input(source), "-filter_complex", video_graph(plan)]
    if hdr := hdr_graph(plan):
        argv += ["-filter_complex", hdr]
    for sound in plan.audio:
        argv += ["-filter_complex", audio_graph(sound, plan.promised_ms, plan.shift_us)]
    for rung in plan.video:
        argv += video_output(rung, plan)
    for sound in plan.audio:
        argv += audio_output(sound)
    argv += pictures_output("thumbs", "4", "thumbs/%d.jpg")
    argv += pictures_output("stills", "2", "stills/%d.jpg")
    return argv


def audio_command(plan: EncodePlan, source: Path, tools: Tools, length: DurationMs) -> list[str]:
    """The sounds once more, cut or padded to a length: for a film whose picture ended elsewhere than promised."""
    argv = [tools.ffmpeg, *QUIET, "-progress", "pipe:1", "-stats_period", "0.5", "-max_error_rate", "1", *film_input(source)]
    for sound in plan.audio:
        argv += ["-filter_complex", audio_graph(sound, length, plan.shift_us)]
    for sound in plan.audio:
        argv += audio_output(sound)
    return argv


def text_command(plan: EncodePlan, source: Path, tools: Tools) -> list[str]:
    """The text streams that lie inside the film, as WebVTT still to be cleaned."""
    moved = ["-itsoffset", f"{plan.shift_us / 1_000_000:.6f}"] if plan.shift_us else []
    argv = [tools.ffmpeg, *QUIET, *moved, *film_input(source)]
    for text in plan.text:
        if text.source_index is not None:
            argv += ["-map", f"0:{text.source_index}", "-c:s", "webvtt", "-f", "webvtt", f"{text.name}.raw"]
    return argv


def video_graph(plan: EncodePlan, window: Window | None = None) -> str:
    """The filters from decoded frames to every rung in SDR, to thumbnails and to stills.

    Scaling comes early and to a fixed size, because a hostile or broken stream may change its size on the way. The smaller
    rungs are scaled from the best one; those of one size share their frames. Cuts are looked for in the smallest rung.
    Of a window of the film there are no pictures, and [check] is the smallest rung once more.
    """
    sizes = _by_size(rung for rung in plan.video if rung.transfer is Transfer.SDR)
    best, others = sizes[0], sizes[1:]
    ends = ["[small]"] if window is None else ["[check]"]
    stills = ["[still]"] if window is None else []
    labels = [*_labels(best), *stills, *(f"[in_{rungs[0].name}]" for rungs in others), *([] if others else ends)]
    chain = [f"{frames(plan, upright(plan), window)},split={len(labels)}{''.join(labels)}"]
    for rungs in others:
        labels = [*_labels(rungs), *(ends if rungs is others[-1] else [])]
        chain.append(f"[in_{rungs[0].name}]{_resized(rungs, labels)}")
    return ";".join([*chain, *(picture_chains(plan.thumbnails, plan.stills) if window is None else [])])


def hdr_graph(plan: EncodePlan, window: Window | None = None) -> str:
    """The filters from the same decoded frames to every rung that keeps the film's HDR; empty where none does."""
    sizes = _by_size(rung for rung in plan.video if rung.transfer is not Transfer.SDR)
    if not sizes:
        return ""
    best, others = sizes[0], sizes[1:]
    labels = [*_labels(best), *(f"[in_{rungs[0].name}]" for rungs in others)]
    chain = [f"{frames(plan, upright_hdr(plan, best[0]), window)},split={len(labels)}{''.join(labels)}"]
    chain += [f"[in_{rungs[0].name}]{_resized(rungs, _labels(rungs))}" for rungs in others]
    return ";".join(chain)


def picture_chains(tiles: ThumbnailPlan, stills: StillPlan) -> list[str]:
    """From [small] to cuts and thumbnails, and from [still] to stills."""
    return [
        (f"[small]scdet=threshold={_CUT_THRESHOLD},metadata=mode=print:key=lavfi.scd.time:file={CUTS_FILE},"
        f"framestep={tiles.every_frames},{_jpeg_scale(tiles.tile_width, tiles.tile_height)},"
        f"tile={tiles.columns}x{tiles.rows}[thumbs]"),
        f"[still]framestep={stills.every_frames},{_jpeg_scale(stills.width, stills.height)}[stills]",
    ]


def _by_size(rungs: Iterable[VideoPlan]) -> list[list[VideoPlan]]:
    """Rungs that show the same pixels, together; the largest size first."""
    found: dict[tuple[int, int], list[VideoPlan]] = {}
    for rung in rungs:
        found.setdefault((rung.height, rung.width), []).append(rung)
    return [found[size] for size in sorted(found, reverse=True)]


def _labels(rungs: Iterable[VideoPlan]) -> list[str]:
    return [f"[{rung.name}]" for rung in rungs]


def _resized(rungs: Sequence[VideoPlan], labels: Sequence[str]) -> str:
    shared = "" if len(labels) == 1 else f",split={len(labels)}"
    return f"{scaled(rungs[0].width, rungs[0].height)},setsar=1{shared}{''.join(labels)}"


def frames(plan: EncodePlan, shown: Sequence[str], window: Window | None) -> str:
    """The filters from decoded frames to those of a window, or of all the film; `shown` makes one frame of one frame.

    What comes before a window is dropped before it is scaled, and the first of it is at 0.
    """
    held = [f"tpad=stop_mode=clone:stop_duration={plan.held_ms}ms"] if plan.held_ms else []
    if window is not None:
        cut = f"trim=start_frame={window[0]}:end_frame={window[1]}"
        steps = [*evened(plan), *held, cut, "setpts=PTS-STARTPTS", *shown]
    else:
        end = [] if plan.promised_ms is None else [f"trim=end_frame={most_frames(plan.promised_ms, plan.rate)}"]
        steps = [*evened(plan), *shown, *held, *end]
    return f"[0:{plan.source.index}]{','.join(steps)}"


def audio_graph(sound: AudioPlan, length: DurationMs | None, shift_us: int = 0) -> str:
    """The filters from one decoded sound to a mix of the film's length and loudness, measured on the way."""
    end = [] if length is None else [f"apad=whole_dur={length}ms", f"atrim=end={length}ms"]
    if sound.source_index is None:
        return f"anullsrc=channel_layout=stereo:sample_rate=48000,atrim=end={length or 0}ms[{sound.name}]"
    steps = [_mixed(sound.source_index, sound.source_channels, sound.channels, sound.gain_db, shift_us), *end]
    return (
        f"{','.join(steps)},asplit=2[{sound.name}][m_{sound.name}];"
        f"[m_{sound.name}]ebur128@{sound.name}=peak=true:framelog=quiet,anullsink"
    )


def _mixed(source_index: int, source_channels: int, channels: int, gain_db: float, shift_us: int = 0) -> str:
    """The filters from one decoded sound to a mix at 48 kHz, every sample of it changed by one and the same gain.

    Gaps become silence, a late start is padded. One channel goes to both sides at full level; more than two are mixed down
    by the coefficients of ITU-R BS.775, and what 5.1 has no place for (the rear of 7.1) goes to its surrounds. Damaged sound
    decodes to anything: by way of integers it is bound, with room above full scale, so that what is sound is never clipped
    before its gain.
    """
    layout = "5.1" if channels == SURROUND else "stereo"
    mix = "pan=stereo|c0=c0|c1=c0" if source_channels == 1 else f"aformat=channel_layouts={layout}"
    bound = f"volume=-{_HEADROOM_DB}dB,aformat=sample_fmts=s32,aformat=sample_fmts=fltp,volume={gain_db + _HEADROOM_DB:g}dB"
    moved = f"a{_moved(shift_us)}," if shift_us else ""
    return f"[0:{source_index}]{moved}aresample=48000:async=1:first_pts=0,{mix},{bound}"


def film_input(source: Path) -> list[str]:
    """A stranger's film as an input: by a file's name alone, in known containers, within bounds, as it was coded."""
    return [*_GUARDS, "-max_pixels", str(MAX_PIXELS), "-threads", str(DECODER_THREADS), "-noautorotate", "-i", source_url(source)]


def normalised(plan: EncodePlan) -> list[str]:
    """The filters from decoded frames to upright ones of the best rung's size, at the film's rate, in 8 bit BT.709."""
    return [*evened(plan), *upright(plan)]


def evened(plan: EncodePlan) -> list[str]:
    """The first of them: frames in their places, whole, at the film's rate from its first moment on, without bars.

    From here on frames can be counted.
    """
    moved = [_moved(plan.shift_us)] if plan.shift_us else []
    return [*moved, *_deinterlace(plan.source), f"fps={plan.rate}:start_time=0", *_cropped(plan.source)]


def upright(plan: EncodePlan) -> list[str]:
    """The rest of them, each of which makes one frame of one frame."""
    return _upright(plan.source, plan.best)


def _moved(shift_us: int) -> str:
    return f"setpts=PTS{shift_us / 1_000_000:+.6f}/TB"


def kept_hdr(plan: EncodePlan, best: VideoPlan) -> list[str]:
    """The filters from decoded frames to upright ones of a size, at the film's rate, in 10 bit and in the light they came in."""
    return [*evened(plan), *upright_hdr(plan, best)]


def upright_hdr(plan: EncodePlan, best: VideoPlan) -> list[str]:
    """The filters from evened frames to upright ones of a size, in 10 bit and in the light they came in.

    What frames say of the screen that they were mastered on, and of how bright they are, goes on to the encoder; the display
    matrix does not, because it has been followed.
    """
    source = plan.source
    transfer = "smpte2084" if source.transfer is Transfer.PQ else "arib-std-b67"
    return [
        scaled(*_lying(source, best), ":out_range=tv"),
        "format=yuv420p10le",
        *_turned(source),
        "setsar=1",
        f"setparams=range=tv:color_primaries=bt2020:color_trc={transfer}:colorspace=bt2020nc",
        "sidedata=mode=delete:type=DISPLAYMATRIX",
    ]


def _deinterlace(source: VideoStream) -> list[str]:
    """One frame for each field of video; of telecined film the frames that were shot.

    What fieldmatch cannot put together again (a title that was laid over as video) is deinterlaced. It and decimate count in
    fives from the first frame of an even rate, so a telecined film is not cut into parts (rules.chunkable).
    """
    order = source.field_order or "auto"
    if source.telecined:
        match = f"fieldmatch=order={order}:combmatch=full"
        return [f"fps={source.rate}:start_time=0", match, f"bwdif=mode=send_frame:parity={order}:deint=interlaced", "decimate"]
    if source.interlaced:
        return [f"bwdif=mode=send_field:parity={order}:deint={'all' if source.field_order else 'interlaced'}"]
    return []


def _cropped(source: VideoStream) -> list[str]:
    """The picture without its bars. A broken stream may change its size on the way, and crop believes the first one."""
    if source.crop is None:
        return []
    kept = source.crop
    return [f"scale={source.width}:{source.height}", f"crop={kept.width}:{kept.height}:{kept.left}:{kept.top}"]


def _upright(source: VideoStream, best: VideoPlan) -> list[str]:
    width, height = _lying(source, best)
    if source.transfer is Transfer.SDR and source.primaries == "bt2020":
        reading = f"rin={'full' if source.full_range else 'limited'}"
        wide = f"zscale=pin=bt2020:min=bt2020nc:tin=bt709:{reading}:p=bt709:m=bt709:t=bt709:r=limited"
        steps = [scaled(width, height), "format=yuv420p10le", wide, "format=yuv420p"]
    elif source.transfer is Transfer.SDR:
        steps = [scaled(width, height, f":in_color_matrix={_matrix(source)}:out_color_matrix=bt709:out_range=tv")]
        steps.append("format=yuv420p")
    else:
        steps = [scaled(width, height), "format=yuv420p10le", *_to_sdr(source)]
    steps += _turned(source)
    # The display matrix and the HDR metadata that frames carry would be written beside pictures that no longer need them.
    steps += ["setsar=1", "setparams=range=tv:color_primaries=bt709:color_trc=bt709:colorspace=bt709"]
    return [*steps, "sidedata=mode=delete"]


def _lying(source: VideoStream, best: VideoPlan) -> tuple[int, int]:
    """The size to scale to before the picture is stood up."""
    return (best.height, best.width) if source.rotation in (90, 270) else (best.width, best.height)


def _turned(source: VideoStream) -> list[str]:
    steps = {0: [], 90: ["transpose=clock"], 180: ["hflip", "vflip"], 270: ["transpose=cclock"]}[source.rotation]
    return [*steps, "hflip"] if source.mirrored else steps


def _to_sdr(source: VideoStream) -> list[str]:
    reading = "full" if source.full_range else "limited"
    return [
        (f"zscale=tin={'smpte2084' if source.transfer is Transfer.PQ else 'arib-std-b67'}:min=bt2020nc:pin=bt2020"
        f":rin={reading}:t=linear:npl=203"),
        "format=gbrpf32le",
        "zscale=p=bt709",
        "tonemap=mobius:desat=0:peak=5",
        "zscale=t=bt709:m=bt709:r=limited",
        "format=yuv420p",
    ]


def _matrix(source: VideoStream) -> str:
    """The matrix to read a picture by; where nothing is said, high definition is BT.709 and smaller ones BT.601."""
    if source.matrix in ("bt709", "smpte240m", "fcc"):
        return source.matrix
    if source.matrix.startswith("bt2020"):
        return "bt2020"
    if source.matrix in ("smpte170m", "bt470bg"):
        return "bt601"
    return "bt709" if max(source.width, source.height) >= 1280 else "bt601"


def scaled(width: int, height: int, more: str = "") -> str:
    return f"scale={width}:{height}:flags=bicubic+accurate_rnd+bitexact{more}"


def _jpeg_scale(width: int, height: int) -> str:
    # JFIF is full range and BT.601 by definition.
    return f"{scaled(width, height, ':in_color_matrix=bt709:out_color_matrix=bt601:out_range=pc')},format=yuvj420p"


def most_frames(promised: DurationMs, rate: FrameRate) -> int:
    """A lying clock may jump by years: never more is made than half again what the container promised, and ten seconds."""
    return round((promised * 1.5 / 1000 + 10) * rate.fraction)


def encoder_arguments(
    coding: Coding, preset: str, crf: float, group: int, threads: int, peak: BitsPerSecond | None = None, level: str = ""
) -> list[str]:
    """The encoder of a coding that holds a quality: a key frame each `group` frames and nowhere else, no picture that looks
    past one. `peak` bounds what it may spend, `level` is what decoders are told; each is left to the encoder where none is given.
    """
    if coding is Coding.AV1:
        return _av1(preset, crf, group, threads, peak, level)
    held = [] if peak is None else ["-maxrate", str(peak), "-bufsize", str(peak // 2)]
    return _h264(preset, level, ["-crf", f"{crf:g}", *held], group, threads)


def video_output(rung: VideoPlan, plan: EncodePlan) -> list[str]:
    kept_outside = [] if rung.transfer is Transfer.SDR else _WITHOUT_METADATA
    return [
        *["-map", f"[{rung.name}]", *_encoder(rung, plan), "-fps_mode", "passthrough"],
        *["-color_range", "tv", *_COLOURS[rung.transfer], *kept_outside, *NO_TRACES],
        *["-f", "mp4", rung.path],
    ]


def _encoder(rung: VideoPlan, plan: EncodePlan) -> list[str]:
    if rung.coding is Coding.AV1 and rung.crf is not None:
        return _av1(plan.av1_preset, rung.crf, plan.segment_frames, rung.threads, rung.max_bitrate, rung.level)
    control = ["-b:v", str(rung.bitrate)] if rung.crf is None else ["-crf", f"{rung.crf:g}"]
    control += ["-maxrate", str(rung.max_bitrate), "-bufsize", str(rung.buffer_bits)]
    return _h264(plan.preset, rung.level, control, plan.segment_frames, rung.threads)


def _h264(preset: str, level: str, control: list[str], group: int, threads: int) -> list[str]:
    return [
        *["-c:v", "libx264", "-preset", preset, "-profile:v", "high", *(["-level:v", level] if level else []), *control],
        *["-g", str(group), "-keyint_min", str(group), "-sc_threshold", "0"],
        *["-flags", "+cgop+bitexact", "-threads", str(threads)],
    ]


def _av1(preset: str, crf: float, group: int, threads: int, peak: BitsPerSecond | None, level: str) -> list[str]:
    """SVT-AV1's own words, because ffmpeg's `-crf` knows whole numbers only, and its buffer size is none of this encoder's.

    `irefresh-type=2` closes each group of pictures, `scd=0` puts no key frame at a cut. With more than one thread (`lp`) the
    bound on its bits (`mbr`, kbit/s) makes other bytes on each run.
    """
    words = [f"crf={crf:g}", f"keyint={group}", "irefresh-type=2", "scd=0", f"lp={threads}"]
    words += [] if peak is None else [f"mbr={peak // 1000}"]
    words += [f"level={level.replace('.', '')}"] if level else []
    return ["-c:v", "libsvtav1", "-preset", preset, "-svtav1-params", ":".join(words), "-flags", "+bitexact"]


def audio_output(sound: AudioPlan) -> list[str]:
    return [
        *["-map", f"[{sound.name}]", "-c:a", "aac", "-b:a", str(sound.bitrate), "-flags", "+bitexact"],
        *[*NO_TRACES, "-f", "mp4", sound.path],
    ]


def pictures_output(label: str, quality: str, path: str) -> list[str]:
    return [
        *["-map", f"[{label}]", "-c:v", "mjpeg", "-q:v", quality, "-flags", "+bitexact", "-threads", "1"],
        *["-fps_mode", "passthrough", *NO_TRACES, "-f", "image2", "-start_number", "0", path],
    ]
