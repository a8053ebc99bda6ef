"""Whole command lines, as one string each: whoever changes what is run changes a line here."""

from pathlib import Path

import msgspec

from matinee.base.units import BitsPerSecond, Bytes, DurationMs, FrameRate, Hertz, Lufs, Pixels
from matinee.encoding import command
from matinee.encoding.ladder import FIXED_V1, FIXED_V2
from matinee.encoding.model import AudioStream, Coding, Crop, Levels, Probe, Ratio, TextStream, Transfer, VideoStream
from matinee.encoding.rules import plan_encode
from matinee.outside.tools import Tools

TOOLS = Tools("ffmpeg", "ffprobe", "packager")
SOURCE = Path("/films/A film.mkv")
VIDEO = VideoStream(
    index=0,
    codec="h264",
    width=Pixels(1280),
    height=Pixels(720),
    pixel_shape=Ratio(num=1, den=1),
    rotation=0,
    mirrored=False,
    interlaced=False,
    rate=FrameRate(24000, 1001),
    variable_rate=False,
    transfer=Transfer.SDR,
    primaries="bt709",
    matrix="bt709",
    full_range=False,
    start_ms=0,
    duration_ms=DurationMs(60_060),
    bit_depth=8,
)
AUDIO = AudioStream(
    index=1,
    codec="aac",
    channels=6,
    layout="5.1",
    sample_rate=Hertz(48000),
    language="fr",
    title="",
    default=True,
    role="main",
    start_ms=0,
    duration_ms=DurationMs(60_060),
    stereo=Levels(integrated=Lufs(-21.5), true_peak_dbtp=-3.0),
    surround=Levels(integrated=Lufs(-22.5), true_peak_dbtp=-6.0),
)
TEXT = TextStream(index=2, codec="subrip", language="en", title="", bitmap=False, role="subtitle", default=False)
PROBE = Probe(
    file_name="A film.mkv",
    size=Bytes(1),
    container="matroska,webm",
    duration_ms=DurationMs(60_060),
    start_ms=0,
    video=VIDEO,
    audio=(AUDIO,),
    text=(TEXT,),
    chapters=(),
)
LADDER = msgspec.structs.replace(FIXED_V1, rungs=(FIXED_V1.rungs[1], FIXED_V1.rungs[3]))
PLAN = plan_encode(PROBE, LADDER)

GUARDS = "-protocol_whitelist file -format_whitelist " + command.FILM_FORMATS


BT709 = "-color_range tv -color_primaries bt709 -color_trc bt709 -colorspace bt709"
NO_TRACES = "-map_metadata -1 -map_chapters -1 -fflags +bitexact"
SCALE = "flags=bicubic+accurate_rnd+bitexact"

ENCODE = (
    "ffmpeg -hide_banner -nostdin -y -loglevel level+info -nostats -progress pipe:1 -stats_period 0.5 -max_error_rate 1 "
    f"-reinit_filter 0 {GUARDS} -max_pixels 35651584 -threads 4 -noautorotate -i file:/films/A film.mkv "
    "-filter_complex [0:0]fps=24000/1001:start_time=0,"
    f"scale=1280:720:{SCALE}:in_color_matrix=bt709:out_color_matrix=bt709:out_range=tv,format=yuv420p,setsar=1,"
    "setparams=range=tv:color_primaries=bt709:color_trc=bt709:colorspace=bt709,sidedata=mode=delete,"
    "trim=end_frame=2400,split=3[v720][still][in_v360];"
    f"[in_v360]scale=640:360:{SCALE},setsar=1,split=2[v360][small];"
    "[small]scdet=threshold=10,metadata=mode=print:key=lavfi.scd.time:file=cuts.txt,framestep=48,"
    f"scale=320:180:{SCALE}:in_color_matrix=bt709:out_color_matrix=bt601:out_range=pc,format=yuvj420p,tile=6x5[thumbs];"
    f"[still]framestep=30,scale=1280:720:{SCALE}:in_color_matrix=bt709:out_color_matrix=bt601:out_range=pc,"
    "format=yuvj420p[stills] "
    "-filter_complex [0:1]aresample=48000:async=1:first_pts=0,aformat=channel_layouts=stereo,volume=-12dB,"
    "aformat=sample_fmts=s32,aformat=sample_fmts=fltp,volume=9.5dB,apad=whole_dur=60060ms,atrim=end=60060ms,asplit=2[a_fr][m_a_fr];"
    "[m_a_fr]ebur128@a_fr=peak=true:framelog=quiet,anullsink "
    "-filter_complex [0:1]aresample=48000:async=1:first_pts=0,aformat=channel_layouts=5.1,volume=-12dB,aformat=sample_fmts=s32,"
    "aformat=sample_fmts=fltp,volume=10.5dB,apad=whole_dur=60060ms,atrim=end=60060ms,"
    "asplit=2[a_fr_surround][m_a_fr_surround];"
    "[m_a_fr_surround]ebur128@a_fr_surround=peak=true:framelog=quiet,anullsink "
    "-map [v720] -c:v libx264 -preset veryfast -profile:v high -level:v 3.1 -b:v 2600000 -maxrate 3900000 "
    f"-bufsize 1950000 -g 48 -keyint_min 48 -sc_threshold 0 -flags +cgop+bitexact -threads 1 -fps_mode passthrough {BT709} "
    f"{NO_TRACES} -f mp4 v720.mp4 "
    "-map [v360] -c:v libx264 -preset veryfast -profile:v high -level:v 3.0 -b:v 700000 -maxrate 1050000 "
    f"-bufsize 525000 -g 48 -keyint_min 48 -sc_threshold 0 -flags +cgop+bitexact -threads 1 -fps_mode passthrough {BT709} "
    f"{NO_TRACES} -f mp4 v360.mp4 "
    f"-map [a_fr] -c:a aac -b:a 128000 -flags +bitexact {NO_TRACES} -f mp4 a_fr.mp4 "
    f"-map [a_fr_surround] -c:a aac -b:a 384000 -flags +bitexact {NO_TRACES} -f mp4 a_fr_surround.mp4 "
    f"-map [thumbs] -c:v mjpeg -q:v 4 -flags +bitexact -threads 1 -fps_mode passthrough {NO_TRACES} "
    "-f image2 -start_number 0 thumbs/%d.jpg "
    f"-map [stills] -c:v mjpeg -q:v 2 -flags +bitexact -threads 1 -fps_mode passthrough {NO_TRACES} "
    "-f image2 -start_number 0 stills/%d.jpg"
)


def test_the_encode_is_one_command() -> None:
    assert " ".join(command.encode_command(PLAN, SOURCE, TOOLS)) == ENCODE


def test_the_streams_are_asked_for() -> None:
    assert " ".join(command.streams_command(TOOLS, SOURCE)) == (
        f"ffprobe -hide_banner -loglevel error {GUARDS} -print_format json -show_format -show_streams -show_chapters "
        "file:/films/A film.mkv"
    )


def test_the_first_frames_are_looked_at() -> None:
    assert " ".join(command.look_command(TOOLS, SOURCE, 3)) == (
        f"ffmpeg -hide_banner -nostdin -y -loglevel level+info -nostats {GUARDS} -max_pixels 35651584 -threads 4 -noautorotate "
        "-i file:/films/A film.mkv -map 0:3 -vf showinfo=checksum=0 -frames:v 24 -f null -"
    )


def test_text_inside_the_film_is_taken_out() -> None:
    assert " ".join(command.text_command(PLAN, SOURCE, TOOLS)) == (
        f"ffmpeg -hide_banner -nostdin -y -loglevel level+info -nostats {GUARDS} -max_pixels 35651584 -threads 4 -noautorotate "
        "-i file:/films/A film.mkv -map 0:2 -c:s webvtt -f webvtt t_en.raw"
    )


def test_no_format_that_reads_other_files_is_let_in() -> None:
    allowed = set(command.FILM_FORMATS.split(","))
    assert not allowed & {"hls", "dash", "concat", "image2", "png_pipe", "sdp", "rtsp", "lavfi", "imf", "webm_dash_manifest"}


def test_the_whole_film_is_gone_through_once() -> None:
    line = (
        f"ffmpeg -hide_banner -nostdin -y -loglevel level+info -nostats -max_error_rate 1 -reinit_filter 0 "
        f"-skip_frame:v nokey {GUARDS} -max_pixels 35651584 -threads 4 -noautorotate -i file:/films/A film.mkv "
        "-filter_complex [0:0]select='isnan(prev_selected_t)+gte(t-prev_selected_t,1)',scale=1280:720,"
        "format=yuv420p12,lutyuv=y='if(lt(val,768),max(0,floor((val-256)/8)),4095)',"
        "cropdetect=limit=17.5/4095:round=2:skip=0:reset=1,metadata=mode=print:file=-[seen] "
        "-filter_complex [0:1]aresample=48000:async=1:first_pts=0,aformat=channel_layouts=stereo,volume=-12dB,"
        "aformat=sample_fmts=s32,aformat=sample_fmts=fltp,volume=12dB,ebur128@m1_2=peak=true:framelog=quiet[m1_2] "
        "-filter_complex [0:1]aresample=48000:async=1:first_pts=0,aformat=channel_layouts=5.1,volume=-12dB,"
        "aformat=sample_fmts=s32,aformat=sample_fmts=fltp,volume=12dB,ebur128@m1_6=peak=true:framelog=quiet[m1_6] "
        "-map [seen] -fps_mode passthrough -f null - -map [m1_2] -f null - -map [m1_6] -f null -"
    )
    assert " ".join(command.measure_command(TOOLS, SOURCE, VIDEO, [AUDIO], every_frame=False)) == line


def graph(**changes: object) -> str:
    video = msgspec.structs.replace(VIDEO, **changes)
    return command.video_graph(plan_encode(msgspec.structs.replace(PROBE, video=video), LADDER))


def test_interlaced_film_is_deinterlaced_to_fields_first() -> None:
    assert graph(interlaced=True, rate=FrameRate(25, 1)).startswith(
        "[0:0]bwdif=mode=send_field:parity=auto:deint=interlaced,fps=50/1:start_time=0,scale="
    )


def test_a_turned_and_mirrored_film_is_scaled_lying_and_then_stood_up() -> None:
    text = graph(rotation=90, mirrored=True)
    assert ",scale=720:404:" in text
    assert "format=yuv420p,transpose=clock,hflip,setsar=1" in text


def test_hdr_is_mapped_at_the_size_of_the_best_rung() -> None:
    text = graph(transfer=Transfer.HLG, matrix="bt2020nc")
    assert "format=yuv420p10le,zscale=tin=arib-std-b67:min=bt2020nc:pin=bt2020:rin=limited:t=linear:npl=203" in text
    assert text.index("scale=1280:720") < text.index("zscale=")


def test_standard_definition_is_read_as_bt601() -> None:
    assert ":in_color_matrix=bt601:out_color_matrix=bt709:" in graph(width=720, height=576, matrix="unknown")


def test_bars_are_cut_before_the_picture_is_scaled() -> None:
    text = graph(crop=Crop(left=Pixels(0), top=Pixels(88), width=Pixels(1280), height=Pixels(544)))
    assert "fps=24/1:start_time=0,scale=1280:720,crop=1280:544:0:88,scale=1280:544:" in text.replace("24000/1001", "24/1")


def test_telecined_film_is_put_together_again_at_an_even_rate() -> None:
    assert graph(telecined=True, field_order="tff", rate=FrameRate(30000, 1001)).startswith(
        "[0:0]fps=30000/1001:start_time=0,fieldmatch=order=tff:combmatch=full,bwdif=mode=send_frame:parity=tff:deint=interlaced,"
        "decimate,fps=24000/1001:start_time=0,scale="
    )


def test_undeclared_fields_are_all_deinterlaced() -> None:
    text = graph(interlaced=True, field_order="bff", rate=FrameRate(25, 1))
    assert text.startswith("[0:0]bwdif=mode=send_field:parity=bff:deint=all,fps=50/1:start_time=0,scale=")


def test_captions_are_copied_out_and_never_decoded() -> None:
    line = (
        f"ffmpeg -hide_banner -nostdin -y -loglevel level+info -nostats {GUARDS} -max_pixels 35651584 -threads 4 -noautorotate "
        "-i file:/films/A film.mkv -map 0:0 -c copy -copyts "
        "-bsf:v filter_units=remove_types=9,h264_metadata=aud=insert,filter_units=pass_types=6|9 -f h264 -"
    )
    assert " ".join(command.captions_command(TOOLS, SOURCE, VIDEO)) == line
    said = " ".join(command.scenarist_command(TOOLS, "t_en"))
    assert said.endswith("-f scc -i t_en.scc -c:s webvtt -f webvtt t_en.raw")


def test_av1_holds_a_quality_in_closed_groups_of_one_length() -> None:
    said = command.encoder_arguments(Coding.AV1, "8", 34.5, 48, 1, BitsPerSecond(3_000_000), "4.0")
    assert " ".join(said) == (
        "-c:v libsvtav1 -preset 8 -svtav1-params crf=34.5:keyint=48:irefresh-type=2:scd=0:lp=1:mbr=3000:level=40 -flags +bitexact"
    )


def test_h264_holds_a_quality_in_closed_groups_of_one_length() -> None:
    assert " ".join(command.encoder_arguments(Coding.H264, "medium", 23, 48, 1)) == (
        "-c:v libx264 -preset medium -profile:v high -crf 23 -g 48 -keyint_min 48 -sc_threshold 0 -flags +cgop+bitexact "
        "-threads 1"
    )


def test_both_codings_of_one_size_share_their_frames() -> None:
    plan = plan_encode(PROBE, msgspec.structs.replace(LADDER, codings=FIXED_V2.codings))
    assert "trim=end_frame=2400,split=4[v720][av1_720][still][in_v360];" in command.video_graph(plan)
    assert f"[in_v360]scale=640:360:{SCALE},setsar=1,split=3[v360][av1_360][small];" in command.video_graph(plan)
    said = " ".join(command.encode_command(plan, SOURCE, TOOLS))
    assert (
        "-map [av1_720] -c:v libsvtav1 -preset 8 "
        "-svtav1-params crf=32:keyint=48:irefresh-type=2:scd=0:lp=1:mbr=2340:level=31 -flags +bitexact -fps_mode passthrough "
        f"{BT709} {NO_TRACES} -f mp4 av1_720.mp4"
    ) in said
    assert command.hdr_graph(plan) == ""


def test_hdr_takes_a_way_of_its_own_to_av1() -> None:
    video = msgspec.structs.replace(VIDEO, transfer=Transfer.PQ, matrix="bt2020nc", bit_depth=10, rotation=180)
    plan = plan_encode(msgspec.structs.replace(PROBE, video=video), msgspec.structs.replace(LADDER, codings=FIXED_V2.codings))
    assert command.hdr_graph(plan) == (
        f"[0:0]fps=24000/1001:start_time=0,scale=1280:720:{SCALE}:out_range=tv,format=yuv420p10le,hflip,vflip,setsar=1,"
        "setparams=range=tv:color_primaries=bt2020:color_trc=smpte2084:colorspace=bt2020nc,sidedata=mode=delete:type=DISPLAYMATRIX,"
        f"trim=end_frame=2400,split=2[av1_720][in_av1_360];[in_av1_360]scale=640:360:{SCALE},setsar=1[av1_360]"
    )
    assert "av1" not in command.video_graph(plan)
    said = " ".join(command.encode_command(plan, SOURCE, TOOLS))
    assert f"-filter_complex {command.hdr_graph(plan)} -filter_complex" in said
    assert "-color_range tv -color_primaries bt2020 -color_trc smpte2084 -colorspace bt2020nc" in said
    assert command.hdr_graph(PLAN) == ""
