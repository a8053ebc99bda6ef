import { describe, expect, it } from "vitest";
import { ApiError, complaintOf } from "./errors";

const answered = (status: number, code: string): ApiError =>
  new ApiError(status, { type: "about:blank", title: "No", status, code, detail: "" });

describe("what a screen says of an answer that is no", () => {
  it.each([
    [403, "plan_needed", "needsPlan"],
    [403, "not_allowed", "notAllowed"],
    [404, "not_found", "notFound"],
    [409, "title_not_playable", "tooMany"],
    [500, "internal", "server"],
  ] as const)("%i %s: %s", (status, code, complaint) => {
    expect(complaintOf(answered(status, code))).toBe(complaint);
  });
});
