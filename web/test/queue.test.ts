import "fake-indexeddb/auto";
import { IDBFactory } from "fake-indexeddb";
import { beforeEach, describe, expect, it, vi } from "vitest";
import { ApiError } from "@/api/client";
import { entries, flush, isHeld, keepPhoto, put, takeBack, type Emptying, type Entry } from "@/collection/queue";
import { gramsOf } from "@/collection/useCrew";

const ROUND = "round-1";
const AT = "2026-11-24T17:00:00.000Z";
const asked: { method: string; path: string; body: unknown }[] = [];
/** What the API says to a request: a status and a body. */
let answer: (path: string, body: { emptyings?: { id: string }[] }) => [number, unknown];

const kept = (body: { emptyings?: { id: string }[] }): [number, unknown] => [
  200,
  { results: (body.emptyings ?? []).map(({ id }) => ({ id, outcome: "kept", reason: null })) },
];
const emptying = (id: string, changed: Partial<Emptying> = {}): Emptying => ({
  id,
  round: ROUND,
  kind: "emptying",
  at: AT,
  outcome: "waiting",
  body: { id, at: AT, device: "bin-001", door: "kitchen" },
  who: "li",
  ...changed,
});
const start: Entry = {
  id: "start-1",
  round: ROUND,
  kind: "start",
  at: "2026-11-24T16:00:00.000Z",
  outcome: "waiting",
  body: { id: ROUND, category: "kitchen", started_at: AT },
};
const outcomes = async () => Object.fromEntries((await entries()).map((one) => [one.id, one.outcome]));

beforeEach(() => {
  vi.setSystemTime(new Date("2026-11-24T18:00:00Z"));
  globalThis.indexedDB = new IDBFactory();
  asked.length = 0;
  answer = (_, body) => kept(body);
  vi.stubGlobal("fetch", async (path: string, init: RequestInit) => {
    const body = typeof init.body === "string" ? JSON.parse(init.body) : init.body;
    asked.push({ method: init.method ?? "", path, body });
    const [status, said] = answer(path, body);
    return new Response(status === 204 ? null : JSON.stringify(said), { status });
  });
});

describe("the queue of a phone", () => {
  it("sends a round in the order of its doing, once", async () => {
    await put(emptying("e1"));
    await put(start);
    expect(await flush("li")).toBe(true);
    expect(asked.map((one) => one.path)).toEqual(["/api/v1/rounds", `/api/v1/rounds/${ROUND}/emptyings`]);
    expect(await outcomes()).toEqual({ "start-1": "kept", e1: "kept" });
    expect(await flush("li")).toBe(false);
    expect(asked).toHaveLength(2);
  });

  it("holds what may still be taken back", async () => {
    const held = emptying("e1", { held_until: Date.now() + 10_000 });
    await put(held);
    expect(isHeld(held, Date.now())).toBe(true);
    expect(await flush("li")).toBe(false);
    await takeBack(held);
    expect(await entries()).toEqual([]);
  });

  it("sends nothing under another name", async () => {
    await put(emptying("e1"));
    expect(await flush("wang")).toBe(false);
    expect(await outcomes()).toEqual({ e1: "waiting" });
  });

  it("keeps what could not be sent, and says so", async () => {
    await put(emptying("e1"));
    answer = () => [503, {}];
    await expect(flush("li")).rejects.toBeInstanceOf(ApiError);
    expect(await outcomes()).toEqual({ e1: "waiting" });
  });

  it("finds the one that is refused among many, and keeps the rest", async () => {
    for (const id of ["e1", "e2", "e3", "e4", "e5"]) await put(emptying(id));
    answer = (_, body) => (body.emptyings?.some(({ id }) => id === "e4") ? [422, { detail: "at: wrong" }] : kept(body));
    await flush("li");
    expect(await outcomes()).toEqual({ e1: "kept", e2: "kept", e3: "kept", e4: "conflict", e5: "kept" });
    expect((await entries()).find((one) => one.id === "e4")?.detail).toBe("at: wrong");
  });

  it("does not take a full queue of the API for a refusal", async () => {
    await put(emptying("e1"));
    answer = () => [429, {}];
    await expect(flush("li")).rejects.toBeInstanceOf(ApiError);
    expect(await outcomes()).toEqual({ e1: "waiting" });
  });

  it("tells a round anew that the API has lost", async () => {
    await put({ ...start, outcome: "kept" });
    await put(emptying("e1", { outcome: "kept" }));
    await put(emptying("e2"));
    let known = false;
    answer = (path, body) => {
      if (path === "/api/v1/rounds") known = true;
      return known ? kept(body) : [404, {}];
    };
    await flush("li");
    expect(asked.at(-1)?.body).toEqual({ emptyings: [emptying("e1").body, emptying("e2").body] });
  });

  it("sends a photo after its emptying, and forgets it", async () => {
    await put(emptying("e1"));
    await keepPhoto("e1", new Blob(["x"], { type: "image/jpeg" }));
    await flush("li");
    await flush("li");
    const photos = asked.filter((one) => one.method === "PUT").map((one) => one.path);
    expect(photos).toEqual([`/api/v1/rounds/${ROUND}/emptyings/e1/photo`]);
  });

  it("forgets answered entries after a day, and a conflict only when it was seen", async () => {
    const old = "2026-11-22T17:00:00.000Z";
    await put(emptying("kept", { at: old, outcome: "kept" }));
    await put(emptying("unseen", { at: old, outcome: "conflict" }));
    await put(emptying("seen", { at: old, outcome: "conflict", seen: true }));
    await flush("li");
    expect(await outcomes()).toEqual({ unseen: "conflict" });
  });
});

describe("a weight as it is typed", () => {
  it.each([
    ["", undefined],
    [" 8.5 ", 8_500],
    ["8,5", 8_500],
    ["8。5", 8_500],
    ["0", null],
    ["-1", null],
    ["10000", null],
    ["acht", null],
  ])("%j is %j grams", (text, grams) => {
    expect(gramsOf(text)).toBe(grams);
  });
});
