import type { Thing } from "./things";

/** At most so many hits are shown, and one of each category besides. */
const SHOWN_MAX = 12;

export interface Found {
  hits: Thing[];
  /** The hits go different ways: which one is meant? */
  choice: boolean;
  /** Nothing is called so; these things' names are inside what was asked. */
  guess: boolean;
}

/** Full and half width, capitals and blanks make no difference. */
const fold = (text: string) => text.normalize("NFKC").toLowerCase().trim().replace(/\s+/g, " ");
/** "batteries" finds "battery". */
const singular = (text: string) => text.replace(/ies\b/g, "y").replace(/([^s])s\b/g, "$1");
const keysOf = (thing: Thing) => [thing.zh, thing.en, ...thing.aliases].map(fold);

/** How well a key answers: 0 the same, 1 begins so, 2 has it inside, null not at all. */
function tierOf(key: string, wanted: string): number | null {
  if (key === wanted || singular(key) === singular(wanted)) return 0;
  const at = key.includes(wanted) ? key.indexOf(wanted) : singular(key).indexOf(singular(wanted));
  return at < 0 ? null : at === 0 ? 1 : 2;
}

interface Hit {
  thing: Thing;
  tier: number;
  /** Among equals names come before aliases, and short before long. */
  rank: number;
}

function hitOf(thing: Thing, wanted: string): Hit | null {
  let best: Hit | null = null;
  keysOf(thing).forEach((key, n) => {
    const tier = tierOf(key, wanted);
    const rank = (n > 1 ? 1_000 : 0) + key.length;
    if (tier !== null && (!best || tier < best.tier || (tier === best.tier && rank < best.rank)))
      best = { thing, tier, rank };
  });
  return best;
}

/** Best first; what must go into no bin comes first, or directly after what is called exactly so. */
function ordered(hits: Hit[]): Thing[] {
  const place = ({ thing, tier }: Hit) => (thing.noBin ? (tier === 0 ? -1 : 0.5) : tier);
  return hits.sort((a, b) => place(a) - place(b) || a.tier - b.tier || a.rank - b.rank).map((hit) => hit.thing);
}

/** As many as fit, and the best of each category that would be left out. */
function shortened(things: Thing[]): Thing[] {
  const shown = things.slice(0, SHOWN_MAX);
  for (const thing of things) if (!shown.some((one) => one.category === thing.category)) shown.push(thing);
  return shown;
}

/** The things that are called so, or whose name is inside the query where none is. */
export function find(things: readonly Thing[], query: string): Found {
  const wanted = fold(query);
  const called = wanted ? things.flatMap((thing) => hitOf(thing, wanted) ?? []) : [];
  const inside = called.length || !wanted ? [] : things.flatMap((thing) => insideOf(thing, wanted));
  const hits = shortened(ordered(called.length ? called : inside));
  return { hits, choice: new Set(hits.map((hit) => hit.category)).size > 1, guess: inside.length > 0 };
}

/** One character names too much to be a guess. */
function insideOf(thing: Thing, wanted: string): Hit[] {
  const keys = keysOf(thing).filter((key) => key.length > 1 && wanted.includes(key));
  const longest = Math.max(0, ...keys.map((key) => key.length));
  return longest ? [{ thing, tier: 2, rank: -longest }] : [];
}
