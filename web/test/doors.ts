import type { FullDoor } from "@/api/types";

/** A full kitchen door, with what a test changes of it. */
export const door = (changed: Partial<FullDoor>): FullDoor => ({
  device: "bin-001",
  door: "kitchen",
  category: "kitchen",
  community: "oak",
  collection_point: "point-1",
  name: "bin-001",
  x_m: 0,
  y_m: 0,
  level_pct: 90,
  state: "full",
  full_since: "2026-11-24T08:00:00+08:00",
  read_at: "2026-11-24T17:00:00+08:00",
  age_s: 10,
  ...changed,
});
