import { computed, onScopeDispose, ref, shallowRef, watch } from "vue";
import { ApiError, get } from "@/api/client";
import type { Category, FullDoor, FullDoors, Site } from "@/api/types";
import { useNow } from "@/lib/clock";
import { metres, placeOf, type Place } from "./order";
import { shrink } from "./photo";
import { entries, flush, keepPhoto, put, save, saved, type Entry } from "./queue";

const POLL_MS = 30_000;
const UNDO_MS = 10_000;
const WEIGHT_KG_MAX = 10_000;
const CATEGORY_KEY = "smartbin.crew.category";
const ROUND_KEY = "smartbin.crew.round";

export const keyOf = (door: { device: string; door: string }): string => `${door.device}/${door.door}`;
const newId = (): string => crypto.randomUUID();

/** The list of full doors, what was done to them, and the queue of what the API does not know yet. */
export function useCrew() {
  const now = useNow();
  const category = ref<Category>((localStorage.getItem(CATEGORY_KEY) as Category | null) ?? "kitchen");
  const list = shallowRef<FullDoors | null>(null);
  const site = shallowRef<Site | null>(null);
  const error = shallowRef<ApiError | null>(null);
  const notTaken = ref(false);
  const online = ref(navigator.onLine);
  const log = shallowRef<Entry[]>([]);
  const round = ref(localStorage.getItem(ROUND_KEY) ?? "");
  const undo = ref<{ key: string; at: string; until: number; timer: number } | null>(null);

  const here = ref<Place | null>(null);
  const conflicts = computed(() => log.value.filter((e) => e.outcome === "conflict" && !e.seen));
  const waiting = computed(() => log.value.filter((e) => e.outcome === "waiting" && e.kind !== "start").length);
  const emptied = computed(() => new Map(log.value.filter((e) => e.kind === "emptying" && e.round === round.value).map((e) => [keyOf(e.body as { device: string; door: string }), e])));

  const refreshLog = async () => { log.value = await entries(); };
  const read = async () => {
    const asked = category.value;
    try {
      const answer = await get<FullDoors>("bins/full", { category: asked });
      if (asked !== category.value) return;
      list.value = answer;
      error.value = null;
      online.value = true;
      await save(`full/${asked}`, answer);
      site.value ??= await get<Site>("site");
      await save("site", site.value);
    } catch (failure) {
      if (!(failure instanceof ApiError)) throw failure;
      error.value = failure;
      online.value = failure.kind !== "offline";
      if (failure.kind !== "offline" && failure.kind !== "server") return;
      list.value = (await saved<FullDoors>(`full/${asked}`)) ?? list.value;
      site.value ??= (await saved<Site>("site")) ?? null;
    }
  };
  let sending = false;
  let more = false;
  const send = async () => {
    more = true; // what is noted while the rest is on its way goes right after it
    if (sending) return;
    sending = true;
    try {
      while (more) {
        more = false;
        await flush();
      }
      notTaken.value = false;
      online.value = true;
    } catch (failure) {
      if (!(failure instanceof ApiError)) throw failure;
      if (failure.kind === "offline") online.value = false;
      if (failure.kind === "unauthorised") error.value = failure;
      notTaken.value = failure.kind === "missing" || failure.kind === "forbidden";
    } finally {
      sending = false;
      await refreshLog();
    }
  };
  const both = async () => { await send(); await read(); };

  const ensureRound = async (): Promise<string> => {
    if (round.value) return round.value;
    const at = new Date().toISOString();
    round.value = newId();
    localStorage.setItem(ROUND_KEY, round.value);
    await put({ id: `start-${round.value}`, round: round.value, kind: "start", at, outcome: "waiting", body: { id: round.value, category: category.value, started_at: at } });
    return round.value;
  };
  const start = async () => {
    await ensureRound();
    await refreshLog();
    void send();
  };
  const record = async (kind: "emptying" | "problem", body: Record<string, unknown>, at = new Date().toISOString(), photo?: Blob) => {
    const id = newId();
    if (photo) await keepPhoto(id, photo);
    await put({ id, round: await ensureRound(), kind, at, outcome: "waiting", body: { id, at, ...body } });
    await refreshLog();
    void send();
  };
  const commit = async () => {
    const pending = undo.value;
    if (!pending) return;
    clearTimeout(pending.timer);
    undo.value = null;
    const [device, door] = pending.key.split("/");
    const photo = photos.value[pending.key];
    delete photos.value[pending.key];
    await record("emptying", { device, door, ...weightOf(pending.key) }, pending.at, photo);
  };
  const photos = shallowRef<Record<string, Blob>>({});
  const addPhoto = async (key: string, file: Blob): Promise<boolean> => {
    const photo = await shrink(file);
    if (photo) photos.value = { ...photos.value, [key]: photo };
    return photo !== null;
  };
  const weights = ref<Record<string, string>>({});
  const weightOf = (key: string) => {
    const kg = Number.parseFloat((weights.value[key] ?? "").replace(",", "."));
    return Number.isFinite(kg) && kg > 0 && kg < WEIGHT_KG_MAX ? { weight_g: Math.round(kg * 1000) } : {};
  };
  const confirm = async (door: FullDoor) => {
    await commit();
    here.value = placeOf(door) ?? here.value;
    undo.value = { key: keyOf(door), at: new Date().toISOString(), until: Date.now() + UNDO_MS, timer: window.setTimeout(() => void commit(), UNDO_MS) };
  };
  const takeBack = () => {
    if (undo.value) clearTimeout(undo.value.timer);
    undo.value = null;
  };
  const dismiss = async (entry: Entry) => {
    await put({ ...entry, seen: true });
    await refreshLog();
  };
  /** How far from where one is; null before that is known. */
  const away = (door: FullDoor): number | null => {
    const place = placeOf(door);
    return here.value && place ? metres(here.value, place) : null;
  };
  const end = async (skipped: { device: string; door: string; reason: string }[]) => {
    await commit();
    const id = await ensureRound();
    const at = new Date().toISOString();
    await put({ id: `end-${id}`, round: id, kind: "end", at, outcome: "waiting", body: { ended_at: at, skipped } });
    round.value = "";
    localStorage.removeItem(ROUND_KEY);
    await refreshLog();
    void send();
  };

  const wentOffline = () => { online.value = false; };
  const cameBack = () => void both();
  // A confirmation still inside its ten seconds must survive the page being put away.
  const hidden = () => { if (document.visibilityState === "hidden") void commit(); else void both(); };
  window.addEventListener("online", cameBack);
  window.addEventListener("offline", wentOffline);
  document.addEventListener("visibilitychange", hidden);
  const timer = window.setInterval(() => void both(), POLL_MS);
  onScopeDispose(() => {
    void commit();
    clearInterval(timer);
    window.removeEventListener("online", cameBack);
    window.removeEventListener("offline", wentOffline);
    document.removeEventListener("visibilitychange", hidden);
  });
  watch(category, (value) => {
    localStorage.setItem(CATEGORY_KEY, value);
    list.value = null;
    void read();
  });
  void refreshLog().then(both);

  return { now, category, list, site, error, online, notTaken, round, here, waiting, conflicts, emptied, undo, weights, photos, addPhoto, start, confirm, takeBack, record, dismiss, away, end, reload: both };
}
