import { post, ApiError } from "@/api/client";

/**
 * What a crew did, kept on the phone until the API has it. Each entry's id is made here, once, so
 * sending twice is keeping once; an entry leaves the queue only with the API's answer for it.
 */
export type Outcome = "waiting" | "kept" | "known" | "conflict";
export interface Entry {
  id: string;
  round: string;
  kind: "start" | "emptying" | "problem" | "end";
  body: Record<string, unknown>;
  at: string;
  outcome: Outcome;
  detail?: string;
}
interface Result { id: string; outcome: Outcome; detail?: string }

const NAME = "smartbin-crew";
/** Answered entries are kept this long to show what happened to them. */
const KEEP_MS = 24 * 3600_000;
const BATCH_MAX = 100;

function open(): Promise<IDBDatabase> {
  return new Promise((resolve, reject) => {
    const request = indexedDB.open(NAME, 1);
    request.onupgradeneeded = () => {
      request.result.createObjectStore("entries", { keyPath: "id" });
      request.result.createObjectStore("saved");
    };
    request.onsuccess = () => resolve(request.result);
    request.onerror = () => reject(request.error ?? new Error("IndexedDB"));
  });
}

async function run<T>(store: string, mode: IDBTransactionMode, act: (s: IDBObjectStore) => IDBRequest<T>): Promise<T> {
  const db = await open();
  try {
    return await new Promise<T>((resolve, reject) => {
      const transaction = db.transaction(store, mode);
      const request = act(transaction.objectStore(store));
      transaction.oncomplete = () => resolve(request.result);
      transaction.onerror = () => reject(transaction.error ?? new Error("IndexedDB"));
      transaction.onabort = () => reject(transaction.error ?? new Error("IndexedDB"));
    });
  } finally {
    db.close();
  }
}

export const put = (entry: Entry): Promise<unknown> => run("entries", "readwrite", (s) => s.put({ ...entry, body: { ...entry.body } }));
export const entries = async (): Promise<Entry[]> => (await run<Entry[]>("entries", "readonly", (s) => s.getAll())).sort((a, b) => a.at.localeCompare(b.at));
export const save = (key: string, value: unknown): Promise<unknown> => run("saved", "readwrite", (s) => s.put(JSON.parse(JSON.stringify(value)), key));
export const saved = <T>(key: string): Promise<T | undefined> => run<T | undefined>("saved", "readonly", (s) => s.get(key) as IDBRequest<T | undefined>);

/** Send what waits, in the order it was done, one round at a time. Raises ApiError when it cannot. */
export async function flush(): Promise<void> {
  const waiting = (await entries()).filter((e) => e.outcome === "waiting");
  for (const round of new Set(waiting.map((e) => e.round))) {
    const own = waiting.filter((e) => e.round === round);
    for (const entry of own.filter((e) => e.kind === "start")) await sendOne("rounds", entry);
    await sendMany(`rounds/${round}/emptyings`, "emptyings", own.filter((e) => e.kind === "emptying"));
    await sendMany(`rounds/${round}/problems`, "problems", own.filter((e) => e.kind === "problem"));
    for (const entry of own.filter((e) => e.kind === "end")) await sendOne(`rounds/${round}/end`, entry);
  }
  await forget();
}

async function sendOne(path: string, entry: Entry): Promise<void> {
  try {
    await post(path, entry.body);
    await put({ ...entry, outcome: "kept" });
  } catch (error) {
    await settle(entry, error);
  }
}

async function sendMany(path: string, name: string, list: Entry[]): Promise<void> {
  for (let i = 0; i < list.length; i += BATCH_MAX) {
    const part = list.slice(i, i + BATCH_MAX);
    try {
      const answer = await post<{ results?: Result[] }>(path, { [name]: part.map((e) => e.body) });
      const results = new Map((answer.results ?? []).map((r) => [r.id, r]));
      for (const entry of part) {
        const result = results.get(entry.id);
        if (result) await put({ ...entry, outcome: result.outcome, detail: result.detail });
      }
    } catch (error) {
      for (const entry of part) await settle(entry, error);
    }
  }
}

/** Refused for good: shown as a conflict. Anything else: it waits for the next try. */
async function settle(entry: Entry, error: unknown): Promise<void> {
  const final = error instanceof ApiError && error.kind === "refused" && error.status !== 408 && error.status !== 429;
  if (!final) throw error;
  await put({ ...entry, outcome: "conflict", detail: error.message });
}

async function forget(): Promise<void> {
  const old = (await entries()).filter((e) => e.outcome !== "waiting" && Date.now() - Date.parse(e.at) > KEEP_MS);
  for (const entry of old) await run("entries", "readwrite", (s) => s.delete(entry.id));
}
