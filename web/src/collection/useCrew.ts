import { computed, onScopeDispose, ref, shallowRef, watch } from "vue";
import { ApiError, get } from "@/api/client";
import { CATEGORIES } from "@/api/types";
import type { Alarm, Category, Community, EndIn, FullDoor, FullDoors, ProblemIn, Site } from "@/api/types";
import { useNow } from "@/ui/clock";
import { metres, placeOf, type Place } from "./order";
import { shrink } from "./photo";
import {
  entries,
  flush,
  isHeld,
  isOthers,
  keepPhoto,
  put,
  save,
  saved,
  takeBack,
  type Emptying,
  type Entry,
} from "./queue";

const POLL_MS = 30_000;
const UNDO_MS = 10_000;
const WEIGHT_KG_MAX = 10_000;
const CATEGORY_KEY = "smartbin.crew.category";
const ROUND_KEY = "smartbin.crew.round";
const NAME_KEY = "smartbin.crew.name";

export const keyOf = (door: { device: string; door: string }): string => `${door.device}/${door.door}`;
/** An entry before it is known who did it and what became of it. */
type Draft = Entry extends infer E ? (E extends Entry ? Omit<E, "outcome" | "who"> : never) : never;
const newId = (): string => crypto.randomUUID();

/** Grams of what somebody typed; undefined for nothing, null for what is no weight. */
export function gramsOf(text: string): number | undefined | null {
  if (!text.trim()) return undefined;
  const kg = Number(text.trim().replace(/[,，。]/, "."));
  return Number.isFinite(kg) && kg > 0 && kg < WEIGHT_KG_MAX ? Math.round(kg * 1000) : null;
}

/** The list of full doors, what was done to them, and the queue of what the API does not know yet. */
export function useCrew() {
  const now = useNow();
  const category = ref(CATEGORIES.find((one) => one === localStorage.getItem(CATEGORY_KEY)) ?? "kitchen");
  const list = shallowRef<FullDoors | null>(null);
  const alarms = shallowRef<Alarm[]>([]);
  const site = shallowRef<Site | null>(null);
  const communities = shallowRef<Community[]>([]);
  const error = shallowRef<ApiError | null>(null);
  const notTaken = ref(false);
  const online = ref(navigator.onLine);
  const who = ref(localStorage.getItem(NAME_KEY) ?? "");
  const log = shallowRef<Entry[]>([]);
  const round = ref(localStorage.getItem(ROUND_KEY) ?? "");
  const here = ref<Place | null>(null);

  const conflicts = computed(() => log.value.filter((e) => e.outcome === "conflict" && !e.seen));
  const queued = computed(() =>
    log.value.filter((e) => e.outcome === "waiting" && e.kind !== "start" && !isHeld(e, now.value)),
  );
  const waiting = computed(() => queued.value.length);
  /** Whose entries wait for their own sign-in. */
  const others = computed(() =>
    [...new Set(queued.value.filter((e) => isOthers(e, who.value)).map((e) => e.who))].join("、"),
  );
  const done = computed(() =>
    log.value
      .filter((e) => e.kind === "emptying")
      .filter((e) => e.round === round.value && !(e.outcome === "conflict" && e.seen)),
  );
  /** The emptying of a door in this round, or in an earlier one that its sensor has not seen yet. */
  const emptied = (door: FullDoor): Emptying | undefined =>
    log.value
      .filter((e) => e.kind === "emptying")
      .filter(
        (e) =>
          keyOf(e.body) === keyOf(door) &&
          !(e.outcome === "conflict" && e.seen) &&
          (e.round === round.value || Date.parse(e.at) > Date.parse(door.read_at ?? "")),
      )
      .at(-1);
  const undoing = (entry: Entry | undefined): number =>
    entry && isHeld(entry, now.value) ? Math.ceil(Math.min(UNDO_MS, (entry.held_until ?? 0) - now.value) / 1000) : 0;

  let release = 0;
  const refreshLog = async () => {
    log.value = await entries();
    clearTimeout(release);
    const held = log.value.flatMap((e) => (isHeld(e, Date.now()) ? [e.held_until ?? 0] : []));
    if (held.length) release = window.setTimeout(() => void send(), Math.min(...held) - Date.now() + 50);
  };

  const read = async () => {
    const asked = category.value;
    if (!list.value) await recall(asked); // at once, however slow the line is
    try {
      const [answer, active] = await Promise.all([
        get("/api/v1/bins/full", { query: { category: asked } }),
        get("/api/v1/alarms"),
      ]);
      if (asked !== category.value) return;
      [list.value, alarms.value] = [answer, active.alarms];
      error.value = null;
      online.value = true;
      await Promise.all([save(`full/${asked}`, answer), save("alarms", active.alarms), places()]);
    } catch (failure) {
      if (!(failure instanceof ApiError)) throw failure;
      error.value = failure;
      online.value = failure.kind !== "offline";
    }
  };
  const recall = async (asked: Category) => {
    const kept = await saved<FullDoors>(`full/${asked}`);
    if (asked !== category.value || !kept) return;
    list.value = kept;
    alarms.value = (await saved<Alarm[]>("alarms")) ?? [];
    site.value ??= (await saved<Site>("site")) ?? null;
    communities.value = (await saved<Community[]>("communities")) ?? [];
  };
  const places = async () => {
    if (site.value && communities.value.length) return;
    site.value = await get("/api/v1/site");
    communities.value = (await get("/api/v1/communities")).communities;
    await Promise.all([save("site", site.value), save("communities", communities.value)]);
  };
  const identify = async () => {
    try {
      who.value = (await get("/api/v1/session")).name;
      localStorage.setItem(NAME_KEY, who.value);
    } catch (failure) {
      if (!(failure instanceof ApiError)) throw failure; // without a signal it is who it was
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
        await identify(); // another crew may have the phone by now: nothing is sent in their name
        if (await flush(who.value)) online.value = true; // with nothing to send nobody was asked
      }
      notTaken.value = false;
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
  const both = async () => {
    await send();
    await read();
  };

  const keep = (entry: Draft) => put({ ...entry, outcome: "waiting", ...(who.value ? { who: who.value } : {}) });
  const ensureRound = async (): Promise<string> => {
    if (round.value) return round.value;
    const at = new Date().toISOString();
    round.value = newId();
    localStorage.setItem(ROUND_KEY, round.value);
    await keep({
      id: `start-${round.value}`,
      round: round.value,
      kind: "start",
      at,
      body: { id: round.value, category: category.value, started_at: at },
    });
    return round.value;
  };
  const start = async () => {
    await ensureRound();
    await refreshLog();
    void send();
  };

  const weights = ref<Record<string, string>>({});
  const photos = shallowRef<Record<string, Blob>>({});
  const withWeight = (key: string) => {
    const weight_g = gramsOf(weights.value[key] ?? "");
    return weight_g ? { weight_g } : {};
  };
  /** Kept on the phone at once: whatever happens to the phone, it is sent after its ten seconds. */
  const confirm = async (door: FullDoor) => {
    const [id, at, key] = [newId(), new Date().toISOString(), keyOf(door)];
    here.value = placeOf(door) ?? here.value;
    const photo = photos.value[key];
    if (photo) await keepPhoto(id, photo);
    const body = { id, at, device: door.device, door: door.door, ...withWeight(key) };
    await keep({ id, round: await ensureRound(), kind: "emptying", at, body, held_until: Date.now() + UNDO_MS });
    await refreshLog();
  };
  const undo = async (entry: Entry) => {
    if (isHeld(entry, Date.now())) await takeBack(entry);
    await refreshLog();
  };
  const setWeight = async (door: FullDoor, text: string) => {
    weights.value = { ...weights.value, [keyOf(door)]: text };
    const entry = emptied(door);
    if (!entry || !isHeld(entry, Date.now())) return;
    const { weight_g: _, ...body } = entry.body;
    await put({ ...entry, body: { ...body, ...withWeight(keyOf(door)) } });
    await refreshLog();
  };
  /** Before, within or after the ten seconds: a photo follows its emptying. False when it is none. */
  const addPhoto = async (door: FullDoor, file: Blob): Promise<boolean> => {
    const photo = await shrink(file);
    if (!photo) return false;
    photos.value = { ...photos.value, [keyOf(door)]: photo };
    const entry = emptied(door);
    if (entry) {
      await keepPhoto(entry.id, photo);
      void send();
    }
    return true;
  };
  const report = async (door: FullDoor, kind: ProblemIn["kind"], note: string) => {
    const [id, at] = [newId(), new Date().toISOString()];
    await keep({
      id,
      round: await ensureRound(),
      kind: "problem",
      at,
      body: { id, at, device: door.device, door: door.door, kind, note: note.trim().slice(0, 500) },
    });
    await refreshLog();
    void send();
  };
  const dismiss = async (entry: Entry) => {
    await put({ ...entry, seen: true });
    await refreshLog();
  };
  const end = async (skipped: EndIn["skipped"]) => {
    const id = await ensureRound();
    const at = new Date().toISOString();
    for (const entry of log.value.filter((e) => e.round === id && isHeld(e, Date.now())))
      await put({ ...entry, held_until: 0 });
    await keep({ id: `end-${id}`, round: id, kind: "end", at, body: { ended_at: at, skipped } });
    round.value = "";
    localStorage.removeItem(ROUND_KEY);
    weights.value = {};
    photos.value = {};
    await refreshLog();
    void send();
  };
  /** How far from where one is; null before that is known. */
  const away = (door: FullDoor): number | null => {
    const place = placeOf(door);
    return here.value && place ? metres(here.value, place) : null;
  };

  const wentOffline = () => {
    online.value = false;
  };
  const cameBack = () => void both();
  const shown = () => {
    if (document.visibilityState === "visible") void both();
  };
  window.addEventListener("online", cameBack);
  window.addEventListener("offline", wentOffline);
  document.addEventListener("visibilitychange", shown);
  const timer = window.setInterval(() => void both(), POLL_MS);
  onScopeDispose(() => {
    clearInterval(timer);
    clearTimeout(release);
    window.removeEventListener("online", cameBack);
    window.removeEventListener("offline", wentOffline);
    document.removeEventListener("visibilitychange", shown);
  });
  watch(category, (value) => {
    localStorage.setItem(CATEGORY_KEY, value);
    list.value = null;
    void read();
  });
  void refreshLog()
    .then(() => Promise.all([identify(), read()]))
    .then(send);

  return {
    now,
    category,
    list,
    alarms,
    site,
    communities,
    error,
    online,
    notTaken,
    who,
    others,
    round,
    here,
    waiting,
    conflicts,
    done,
    emptied,
    undoing,
    undo,
    weights,
    photos,
    setWeight,
    addPhoto,
    start,
    confirm,
    report,
    dismiss,
    away,
    end,
    reload: both,
  };
}
