import type { Alarm, FullDoor, FullDoors } from "@/api/types";

export interface Place {
  x_m: number;
  y_m: number;
}

/** Where a door is on the schematic map; null when the registry does not say. */
export const placeOf = (door: Partial<Place>): Place | null =>
  door.x_m === undefined || door.y_m === undefined ? null : { x_m: door.x_m, y_m: door.y_m };

/** Metres on the schematic map, as the crow flies. */
export const metres = (a: Place, b: Place): number => Math.hypot(a.x_m - b.x_m, a.y_m - b.y_m);

/** From where one is to the nearest, from there to the nearest of the rest, and so on. */
export function nearestFirst(doors: FullDoor[], here: Place): FullDoor[] {
  const left = [...doors];
  const ordered: FullDoor[] = [];
  let at = here;
  while (left.length) {
    const away = left.map((door) => {
      const place = placeOf(door);
      return place ? metres(at, place) : Infinity;
    });
    const nearest = left.splice(away.indexOf(Math.min(...away)), 1)[0];
    if (!nearest) break;
    ordered.push(nearest);
    at = placeOf(nearest) ?? at;
  }
  return ordered;
}

const URGENCY = { overfull: 0, full: 1, fault: 2, silent: 3, ok: 4 };
export interface Group {
  point: string;
  doors: FullDoor[];
}

/**
 * Doors by collection point, the most urgent first in each and among them: overfull, full, faulty,
 * silent, of the same state the longest full; what somebody says is emptied comes last.
 */
export function byPoint(doors: FullDoor[], confirmed: (door: FullDoor) => boolean): Group[] {
  const rank = (door: FullDoor) => URGENCY[door.state] + (confirmed(door) ? 10 : 0);
  const order = (a: FullDoor, b: FullDoor) =>
    rank(a) - rank(b) || (a.full_since ?? "~").localeCompare(b.full_since ?? "~");
  const found = new Map<string, FullDoor[]>();
  for (const door of [...doors].sort(order)) {
    const point = door.collection_point ?? "";
    found.set(point, [...(found.get(point) ?? []), door]);
  }
  return [...found].map(([point, own]) => ({ point, doors: own })); // the first of each is in order, so they are
}

export interface Burning {
  device: string;
  reason: "fire" | "smoke";
  since: string;
}

/** Each device that burns or smokes once, by the alarms or by the list; fire is the graver word. */
export function burningOf(alarms: Alarm[], list: FullDoors | null): Burning[] {
  const told = [
    ...alarms.map((a) => ({ device: a.device, reason: a.type, since: a.since })),
    ...(list?.withheld ?? []).map((w) => ({ device: w.device, reason: w.reason, since: w.since })),
  ];
  const found = new Map<string, Burning>();
  for (const reason of ["fire", "smoke"] as const)
    for (const one of told)
      if (one.reason === reason && !found.has(one.device)) found.set(one.device, { ...one, reason });
  return [...found.values()];
}
