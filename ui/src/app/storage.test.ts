import { expect, it } from "vitest";
import { deviceStore } from "./storage";

it("forgets what tells of a home, and keeps what belongs to the box", () => {
  localStorage.setItem("matinee.profile", "p1");
  localStorage.setItem("matinee.unsent", "[]");
  localStorage.setItem("matinee.launcher", "its release");
  const store = deviceStore(() => localStorage);
  expect(store.get("matinee.profile")).toBe("p1");
  store.wipe();
  expect([store.get("matinee.profile"), store.get("matinee.unsent")]).toEqual([null, null]);
  expect(localStorage.getItem("matinee.profile")).toBeNull();
  expect(localStorage.getItem("matinee.launcher")).toBe("its release");
  localStorage.clear();
});

it("lasts as long as the page where a browser refuses to keep anything", () => {
  const store = deviceStore(() => {
    throw new Error("no storage here");
  });
  store.set("matinee.profile", "p1");
  expect(store.get("matinee.profile")).toBe("p1");
  store.wipe();
  expect(store.get("matinee.profile")).toBeNull();
});
