import { describe, expect, it } from "vitest";
import type { Alarm } from "@/api/types";
import { burningOf, byPoint, metres, nearestFirst, placeOf } from "@/collection/order";
import { door } from "./doors";

const ids = (doors: { device: string }[]) => doors.map((one) => one.device);

describe("the way of a crew", () => {
  it("goes from where one is to the nearest, and on from there", () => {
    const [a, b, c] = [door({ device: "a", x_m: 10 }), door({ device: "b", x_m: 14 }), door({ device: "c", x_m: -9 })];
    // From 1, c is 10 away and a is 9; from a the next is b, though c was nearer to the start than b.
    expect(ids(nearestFirst([c, b, a], { x_m: 1, y_m: 0 }))).toEqual(["a", "b", "c"]);
  });

  it("leaves what it is given as it is", () => {
    const given = [door({ device: "far", x_m: 9 }), door({ device: "near", x_m: 1 })];
    nearestFirst(given, { x_m: 0, y_m: 0 });
    expect(ids(given)).toEqual(["far", "near"]);
  });

  it("measures as the crow flies", () => {
    expect(metres({ x_m: 0, y_m: 0 }, { x_m: 3, y_m: 4 })).toBe(5);
    expect(placeOf({ x_m: 3, y_m: 4 })).toEqual({ x_m: 3, y_m: 4 });
    expect(placeOf({ x_m: 3 })).toBeNull();
  });
});

describe("doors by collection point", () => {
  it("puts the most urgent first in each point and among the points", () => {
    const doors = [
      door({ device: "silent", state: "silent", collection_point: "p1" }),
      door({ device: "overfull", state: "overfull", collection_point: "p2" }),
      door({ device: "later", full_since: "2026-11-24T09:00:00+08:00", collection_point: "p1" }),
      door({ device: "longer", full_since: "2026-11-24T07:00:00+08:00", collection_point: "p1" }),
    ];
    const groups = byPoint(doors, () => false);
    expect(groups.map((one) => one.point)).toEqual(["p2", "p1"]);
    expect(ids(groups[1]?.doors ?? [])).toEqual(["longer", "later", "silent"]);
  });

  it("puts what somebody confirmed last, whatever its state", () => {
    const doors = [door({ device: "emptied", state: "overfull" }), door({ device: "silent", state: "silent" })];
    const [group] = byPoint(doors, (one) => one.device === "emptied");
    expect(ids(group?.doors ?? [])).toEqual(["silent", "emptied"]);
  });

  it("keeps doors without a point together", () => {
    const groups = byPoint([door({ device: "a", collection_point: null })], () => false);
    expect(groups.map((one) => one.point)).toEqual([""]);
  });
});

describe("what burns", () => {
  const alarm = (device: string, type: Alarm["type"]): Alarm => ({
    device,
    door: "",
    type,
    since: "2026-11-24T17:00:00+08:00",
    name: device,
    community: "oak",
  });

  it("names a device once, by the graver word, and no other alarm", () => {
    const found = burningOf([alarm("a", "smoke"), alarm("a", "fire"), alarm("b", "jam"), alarm("c", "smoke")], null);
    expect(found.map((one) => [one.device, one.reason])).toEqual([
      ["a", "fire"],
      ["c", "smoke"],
    ]);
  });

  it("believes the list where the alarms are silent", () => {
    const withheld = {
      device: "a",
      name: "a",
      community: "oak",
      doors: ["kitchen"],
      reason: "fire" as const,
      since: "2026-11-24T17:00:00+08:00",
    };
    const list = { as_of: "2026-11-24T17:00:00+08:00", threshold_pct: 80, doors: [], withheld: [withheld] };
    expect(burningOf([], list).map((one) => one.device)).toEqual(["a"]);
  });
});
