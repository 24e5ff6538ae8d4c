import { ApiError, post, put as send } from "@/api/client";
import type { EmptyingIn, EndIn, ProblemIn, Results, RoundIn } from "@/api/types";
import { drop, each, read, write } from "./store";

/**
 * What a crew did, kept on the phone until the API has it. Each entry's id is made here, once, so
 * sending twice is keeping once; an entry leaves the queue only with the API's answer for it.
 */
export type Outcome = "waiting" | Results["results"][number]["outcome"];
interface Common {
  id: string;
  round: string;
  at: string;
  outcome: Outcome;
  /** Why it is a conflict: a word of the API's, or "refused" with `detail` in its own words. */
  reason?: string;
  detail?: string;
  /** The conflict was shown and somebody said they saw it. */
  seen?: boolean;
  /** Until then (ms) it may be taken back, and is not sent. */
  held_until?: number;
  /** Who did it: it is sent under no other name. */
  who?: string;
}
export type Start = Common & { kind: "start"; body: RoundIn };
export type Emptying = Common & { kind: "emptying"; body: EmptyingIn };
export type Problem = Common & { kind: "problem"; body: ProblemIn };
export type End = Common & { kind: "end"; body: EndIn };
export type Entry = Start | Emptying | Problem | End;

/** Answered entries are kept this long to show what happened to them. */
const KEEP_MS = 24 * 3600_000;
const BATCH_MAX = 100;

export const put = (entry: Entry): Promise<unknown> => write("entries", { ...entry, body: { ...entry.body } });
export const entries = async (): Promise<Entry[]> =>
  (await each<Entry>("entries")).sort((a, b) => a.at.localeCompare(b.at));
export const save = (key: string, value: unknown): Promise<unknown> =>
  write("saved", JSON.parse(JSON.stringify(value)), key);
export const saved = <T>(key: string): Promise<T | undefined> => read<T>("saved", key);
export const keepPhoto = (emptying: string, photo: Blob): Promise<unknown> => write("photos", photo, emptying);
/** Take back what was not sent yet. */
export const takeBack = async (entry: Entry): Promise<void> => {
  await drop("entries", entry.id);
  await drop("photos", entry.id);
};
/** Whether it may still be taken back. */
export const isHeld = (entry: Entry, now: number): boolean => (entry.held_until ?? 0) > now;
/** Whether somebody else did it, who must sign in for it to be sent. */
export const isOthers = (entry: Entry, who: string): boolean => entry.who !== undefined && entry.who !== who;

/**
 * Send what waits, in the order it was done, one round at a time; answers whether anything did. Raises
 * ApiError when it cannot.
 */
export async function flush(who: string): Promise<boolean> {
  const all = await entries();
  const waiting = all.filter((e) => e.outcome === "waiting" && !isHeld(e, Date.now()) && !isOthers(e, who));
  for (const round of new Set(waiting.map((e) => e.round))) {
    const own = waiting.filter((e) => e.round === round);
    try {
      await sendRound(round, own);
    } catch (error) {
      if (!(error instanceof ApiError && error.kind === "missing")) throw error;
      // The API has lost the round (an older backup): what it had already taken is told anew with the rest.
      await sendRound(
        round,
        all.filter((e) => e.round === round && e.outcome !== "conflict" && !isHeld(e, Date.now()) && !isOthers(e, who)),
      );
    }
  }
  const photos = await sendPhotos(who);
  await forget();
  return waiting.length > 0 || photos > 0;
}

async function sendRound(round: string, own: Entry[]): Promise<void> {
  const path = { round };
  for (const entry of own) {
    if (entry.kind === "start") await sendOne(entry, () => post("/api/v1/rounds", { body: entry.body }));
  }
  const emptyings = own.filter((e) => e.kind === "emptying");
  await sendMany(emptyings, (part) =>
    post("/api/v1/rounds/{round}/emptyings", { path, body: { emptyings: part.map((e) => e.body) } }),
  );
  const problems = own.filter((e) => e.kind === "problem");
  await sendMany(problems, (part) =>
    post("/api/v1/rounds/{round}/problems", { path, body: { problems: part.map((e) => e.body) } }),
  );
  for (const entry of own) {
    if (entry.kind === "end")
      await sendOne(entry, () => post("/api/v1/rounds/{round}/end", { path, body: entry.body }));
  }
}

async function sendOne(entry: Entry, ask: () => Promise<unknown>): Promise<void> {
  try {
    await ask();
    await put({ ...entry, outcome: "kept" });
  } catch (error) {
    await settle(entry, error);
  }
}

type Ask<E> = (part: E[]) => Promise<Results>;

async function sendMany<E extends Entry>(list: E[], ask: Ask<E>): Promise<void> {
  for (let i = 0; i < list.length; i += BATCH_MAX) await sendBatch(list.slice(i, i + BATCH_MAX), ask);
}

async function sendBatch<E extends Entry>(part: E[], ask: Ask<E>): Promise<void> {
  try {
    const { results } = await ask(part);
    const byId = new Map(results.map((r) => [r.id, r]));
    for (const entry of part) {
      const result = byId.get(entry.id);
      if (result) await put({ ...entry, outcome: result.outcome, reason: result.reason ?? undefined });
    }
  } catch (error) {
    const [first, ...rest] = part;
    if (!first) return;
    if (!rest.length || !isFinal(error)) return settle(first, error);
    // One of them is refused and takes the others with it: halve until it stands alone.
    const half = Math.ceil(part.length / 2);
    await sendBatch(part.slice(0, half), ask);
    await sendBatch(part.slice(half), ask);
  }
}

/** A photo follows its emptying; it is gone from the phone once the API has it or refuses it. Answers how many went. */
async function sendPhotos(who: string): Promise<number> {
  let sent = 0;
  for (const entry of await entries()) {
    if (entry.kind !== "emptying" || entry.outcome === "waiting" || isOthers(entry, who)) continue;
    const photo = await read<Blob>("photos", entry.id);
    if (!photo) continue;
    try {
      await send("/api/v1/rounds/{round}/emptyings/{emptying}/photo", {
        path: { round: entry.round, emptying: entry.id },
        body: photo,
      });
    } catch (error) {
      if (!isFinal(error) && !(error instanceof ApiError && error.kind === "missing")) throw error;
    }
    await drop("photos", entry.id);
    sent += 1;
  }
  return sent;
}

/** The same again would be refused again. */
function isFinal(error: unknown): error is ApiError {
  return error instanceof ApiError && error.kind === "refused" && error.status !== 408 && error.status !== 429;
}

/** Refused for good: shown as a conflict. Anything else: it waits for the next try. */
async function settle(entry: Entry, error: unknown): Promise<void> {
  if (!isFinal(error)) throw error;
  await put({ ...entry, outcome: "conflict", reason: "refused", detail: error.message });
}

async function forget(): Promise<void> {
  const all = await entries();
  const open = new Set(all.filter((e) => e.outcome === "waiting").map((e) => e.round));
  const old = all.filter(
    (e) => !open.has(e.round) && Date.now() - Date.parse(e.at) > KEEP_MS && (e.outcome !== "conflict" || e.seen),
  );
  for (const entry of old) await drop("entries", entry.id);
}
