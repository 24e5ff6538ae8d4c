import { describe, expect, it } from "vitest";

const sources = import.meta.glob<string>("../src/*/*.{ts,vue}", { eager: true, query: "?raw", import: "default" });
const files = Object.entries(sources).map(([path, text]) => ({ path, room: path.split("/")[2] ?? "", text }));
const GROUND = ["api", "ui", "app"];
/** The rooms whose texts office/texts.ts brings: a word of theirs is said by the office alone. */
const OFFICE = ["office", "overview", "accounts", "devices", "verdicts", "places", "quarantine"];
const texts = import.meta.glob<Record<string, unknown>>("../src/*/zh.json", { eager: true, import: "default" });

const arrows = files.flatMap(({ path, room, text }) =>
  [...text.matchAll(/(?:from|import\(?)\s*"@\/(\w+)\/([\w.]+)"/g)].map(([, to = "", file = ""]) => ({
    path,
    room,
    to,
    file,
  })),
);

describe("the rooms of the web", () => {
  it("are found", () => {
    expect(new Set(files.map((one) => one.room)).size).toBeGreaterThan(12);
    expect(arrows.length).toBeGreaterThan(200);
  });

  it("stand on api, ui and app, which know none of them but where the router leads to", () => {
    const climbs = arrows.filter(({ room, to, path }) => {
      if (!GROUND.includes(room) || path.endsWith("/router.ts") || path.endsWith("/HomePage.vue")) return false;
      return !GROUND.includes(to) || (room === "api" && to !== "api");
    });
    expect(climbs).toEqual([]);
  });

  it("do not lead back to where they come from", () => {
    const next = new Map<string, Set<string>>();
    for (const { room, to } of arrows)
      if (room !== to && !GROUND.includes(room) && !GROUND.includes(to))
        next.set(room, (next.get(room) ?? new Set()).add(to));
    const reaches = (from: string, seen: string[] = []): string[] =>
      [...(next.get(from) ?? [])].flatMap((to) => (seen.includes(to) ? [to] : [to, ...reaches(to, [...seen, to])]));
    expect([...next.keys()].filter((room) => reaches(room).includes(room))).toEqual([]);
  });

  it("say the office's words on the office's pages alone", () => {
    const own = Object.entries(texts).filter(([path]) => OFFICE.includes(path.split("/")[2] ?? ""));
    const words = own.flatMap(([, text]) => Object.keys(text)).join("|");
    const says = new RegExp(`\\bt\\([^)]*["'\`](?:${words})\\.|title: "(?:${words})\\.`);
    const found = files.filter(({ room, text }) => {
      return !OFFICE.includes(room) && says.test(text) && !text.includes("OfficeShell.vue");
    });
    expect(found.map((one) => one.path)).toEqual([]);
  });
});
