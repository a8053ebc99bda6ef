import { expect, test } from "vitest";
import { codingsInOrder, type Eyes } from "./codings";

const PICTURE = { codec: "av01.0.08M.08", width: 1920, height: 1080, bitrate: 3_000_000, frame_rate: 24, hdr: false };
const ALL = { supported: true, smooth: true, powerEfficient: true };
const NONE = { supported: false, smooth: false, powerEfficient: false };

function eyes(av1: Partial<typeof ALL>, h264: Partial<typeof ALL> = {}, showsHdr = false): Eyes {
  const answer = (contentType: string): typeof ALL => ({ ...ALL, ...(contentType.includes("av01") ? av1 : h264) });
  return { decodes: ({ contentType }) => Promise.resolve(answer(contentType)), showsHdr };
}

test.each([
  ["all is well", eyes({}), ["av01", "avc1"]],
  ["no decoder", eyes(NONE), ["avc1"]],
  ["AV1 stutters and H.264 does not", eyes({ smooth: false }), ["avc1"]],
  ["AV1 stutters, and so does H.264", eyes({ smooth: false }, { smooth: false }), ["av01", "avc1"]],
  ["a chip for H.264 alone", eyes({ powerEfficient: false }), ["avc1"]],
  ["a chip for neither", eyes({ powerEfficient: false }, { powerEfficient: false }), ["av01", "avc1"]],
])("%s", async (_, seen, expected) => {
  expect(await codingsInOrder(PICTURE, seen)).toEqual(expected);
});

test("a film without AV1, or a box whose model is declared not to take it, is played in H.264", async () => {
  expect(await codingsInOrder(null, eyes({}))).toEqual(["avc1"]);
  expect(await codingsInOrder(undefined, eyes({}))).toEqual(["avc1"]);
});

test("HDR is for screens that show it", async () => {
  const hdr = { ...PICTURE, codec: "av01.0.08M.10.0.110.09.16.09.0", hdr: true };
  expect(await codingsInOrder(hdr, eyes({}, {}, false))).toEqual(["avc1"]);
  expect(await codingsInOrder(hdr, eyes({}, {}, true))).toEqual(["av01", "avc1"]);
});

test("the decoder is asked about the very picture", async () => {
  const asked: VideoConfiguration[] = [];
  await codingsInOrder(PICTURE, { decodes: (video) => (asked.push(video), Promise.resolve(ALL)), showsHdr: false });
  expect(asked).toEqual([
    { contentType: 'video/mp4; codecs="av01.0.08M.08"', width: 1920, height: 1080, bitrate: 3_000_000, framerate: 24 },
    { contentType: 'video/mp4; codecs="avc1.64002a"', width: 1920, height: 1080, bitrate: 5_100_000, framerate: 24 },
  ]);
});

test("a browser that cannot answer plays H.264", async () => {
  expect(await codingsInOrder(PICTURE, { decodes: () => Promise.reject(new TypeError("no")), showsHdr: false })).toEqual(["avc1"]);
});
