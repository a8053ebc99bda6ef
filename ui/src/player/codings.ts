// Which coding of the picture a film is played in: H.264, which every box and browser decodes, or AV1, which brings the same
// picture in half the bytes to those that decode it as easily. The server has left AV1 out already where the box's model is
// declared not to take it. What cannot be found out is answered by H.264.

import type { Av1Picture } from "../api/types";

/** What a decoder is asked of a picture; the part of MediaCapabilities that is needed here. */
export interface Eyes {
  decodes(video: VideoConfiguration): Promise<{ supported: boolean; smooth: boolean; powerEfficient: boolean }>;
  /** The screen shows more light than SDR. */
  readonly showsHdr: boolean;
}

/** The start of the codec string of each coding, as manifests have it. */
export type CodecPrefix = "avc1" | "av01";

/** High profile, level 4.2: what the H.264 rung beside the best AV1 one is at the most, up to 1080 lines at 60 frames a second. */
const H264 = 'video/mp4; codecs="avc1.64002a"';
/** H.264 takes about so much more for the same picture. */
const H264_SHARE = 1.7;

/** The codings to try, in order. H.264 is always the last: it is in every package, and every box decodes it. */
export async function codingsInOrder(picture: Av1Picture | null | undefined, eyes: Eyes = browserEyes()): Promise<CodecPrefix[]> {
  return picture && (await suits(picture, eyes)) ? ["av01", "avc1"] : ["avc1"];
}

/** Whether AV1 is decoded at all, smoothly, and with no more heat than H.264 would be; HDR needs a screen for it besides. */
async function suits({ codec, width, height, bitrate, frame_rate: framerate, hdr }: Av1Picture, eyes: Eyes): Promise<boolean> {
  if (hdr && !eyes.showsHdr) return false;
  const size = { width, height, framerate };
  try {
    const [av1, h264] = await Promise.all([
      eyes.decodes({ contentType: `video/mp4; codecs="${codec}"`, bitrate, ...size }),
      eyes.decodes({ contentType: H264, bitrate: Math.round(bitrate * H264_SHARE), ...size }),
    ]);
    return av1.supported && (av1.smooth || !h264.smooth) && (av1.powerEfficient || !h264.powerEfficient);
  } catch {
    return false;
  }
}

/** What this browser says of itself. One without MediaCapabilities has them from Shaka's polyfills, by what its MediaSource takes. */
function browserEyes(): Eyes {
  return {
    decodes: (video) => navigator.mediaCapabilities.decodingInfo({ type: "media-source", video }),
    showsHdr: matchMedia("(dynamic-range: high)").matches,
  };
}
