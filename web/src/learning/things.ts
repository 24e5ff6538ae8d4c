import type { Category } from "@/api/types";

/** A thing of the sorting dictionary (docs/dictionary.md). `outside`: it goes into none of the four categories. */
export interface Thing {
  id: string;
  zh: string;
  en: string;
  category: Category | "outside";
  aliases: readonly string[];
  /** How to prepare it; of a thing outside, where it goes. */
  prepare: Readonly<{ zh: string; en: string }>;
  note: string;
  focus: string;
  /** Cities answer alike. Otherwise the screen says that they do not. */
  certain: boolean;
  /** It burns, bursts or injures when it is pressed. */
  noBin: boolean;
}

/** A row of the built dictionary, its columns in the order of web/dictionary.ts. */
export type Row = readonly [
  id: string,
  zh: string,
  en: string,
  category: Thing["category"],
  aliases: string,
  prepareZh: string,
  prepareEn: string,
  note: string,
  focus: string,
  certainty: string,
  safety: string,
];

const thingOf = ([
  id,
  zh,
  en,
  category,
  aliases,
  prepareZh,
  prepareEn,
  note,
  focus,
  certainty,
  safety,
]: Row): Thing => ({
  id,
  zh,
  en,
  category,
  aliases: aliases.split(" ").filter(Boolean),
  prepare: { zh: prepareZh, en: prepareEn },
  note,
  focus,
  certain: certainty === "sure",
  noBin: safety === "no_bin",
});

/** Reads the dictionary: a chunk of its own, which a page that nobody asks does not load. */
export async function loadThings(): Promise<Thing[]> {
  const { default: rows } = await import("../../../smartbin/learning/dictionary.csv");
  return rows.map(thingOf);
}
