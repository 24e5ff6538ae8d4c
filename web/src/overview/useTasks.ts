import { computed, type Ref } from "vue";
import { useI18n } from "vue-i18n";
import { get } from "@/api/client";
import type { Community, DevicesOut, Ranking, Site } from "@/api/types";
import type { Room } from "@/app/session";
import { dayOf } from "@/ui/clock";
import { useFormat } from "@/ui/format";
import { useResource } from "@/ui/resource";
import { useRewardName } from "@/points/rewards";
import type { Task } from "./OfficeTasks.vue";

const MINUTE = 60_000;
const LOW_STOCK = 10;
const SHOWN = 6;

/** What needs a person now, gravest first. The office hears of all of it, a community of its own bins. */
export function useTasks(
  may: (room: Room) => boolean,
  now: Ref<number>,
  site: Ref<Site | null>,
  communities: Ref<Community[]>,
  ranking: Ref<Ranking | null>,
) {
  const { t } = useI18n();
  const f = useFormat();
  const { rewardName } = useRewardName();
  /** Read by those alone who may open its page. */
  const ifMay =
    <T>(room: Room, ask: () => Promise<T>) =>
    () =>
      may(room) ? ask() : Promise.resolve(null);

  const alarms = useResource(() => get("/api/v1/alarms"), MINUTE);
  const doors = useResource(() => get("/api/v1/bins/full"), MINUTE);
  const devices = useResource(() => get("/api/v1/devices"), MINUTE);
  const refused = useResource(
    ifMay("quarantine", () => get("/api/v1/quarantine", { query: { limit: 1 } })),
    MINUTE,
  );
  const signals = useResource(
    ifMay("signals", () => get("/api/v1/signals", { query: { day: dayOf(now.value), limit: 100 } })),
    5 * MINUTE,
  );
  const rewards = useResource(
    ifMay("accounts", () => get("/api/v1/rewards", { query: { every: true } })),
    5 * MINUTE,
  );
  const waiting = useResource(() => get("/api/v1/redemptions", { query: { state: "reserved", limit: 200 } }), MINUTE);

  const names = computed(() => new Map((site.value?.devices ?? []).map((d) => [d.id, d.name])));
  const listed = (all: string[]) =>
    all.slice(0, SHOWN).join(t("list.comma")) + (all.length > SHOWN ? t("list.more", { n: f.int(all.length) }) : "");
  const task = (key: string, grave: Task["grave"], n: number, detail: string, to: string): Task[] =>
    n ? [{ key, grave, text: t(`tasks.${key}`, { n: f.int(n) }, n), detail, to }] : [];

  /** Doors in a state; of a device that is silent as a whole the device is named, not each door. */
  const doorTask = (state: "overfull" | "full" | "silent", grave: Task["grave"], key: string = state) => {
    const silent = new Set(devices.data.value?.devices.filter((d) => d.care.includes("silent")).map((d) => d.id));
    const found =
      doors.data.value?.doors.filter((d) => d.state === state && !d.confirmed_at && !silent.has(d.device)) ?? [];
    return task(
      key,
      grave,
      found.length,
      listed(found.map((d) => `${names.value.get(d.device) ?? d.device} ${t(`short.${d.category}`)}`)),
      `/office/doors?state=${state}`,
    );
  };
  const careTask = (care: DevicesOut["devices"][number]["care"][number], grave: Task["grave"]) => {
    const found = devices.data.value?.devices.filter((d) => d.care.includes(care)) ?? [];
    return task(care, grave, found.length, listed(found.map((d) => d.name)), `/office/devices?care=${care}`);
  };
  const tasks = computed<Task[]>(() => {
    const low = rewards.data.value?.rewards.filter((r) => r.offered && r.stock < LOW_STOCK) ?? [];
    const insufficient = ranking.value?.insufficient ?? [];
    const reasons = [...new Set((refused.data.value?.counts ?? []).map((c) => t(`reason.${c.reason}`)))];
    return [
      ...(alarms.data.value?.alarms ?? []).map((a): Task => ({
        key: `${a.device}${a.door}${a.type}`,
        grave: "bad",
        text: `${t(`alarm.${a.type}`)} · ${a.name}`,
        detail: f.ago(now.value, a.since),
        to: `/office/device/${a.device}`,
      })),
      ...doorTask("overfull", "bad"),
      ...careTask("silent", "warn"),
      ...careTask("offline", "warn"),
      ...doorTask("silent", "warn", "silentDoors"),
      ...doorTask("full", "warn"),
      ...careTask("fault", "warn"),
      ...careTask("battery", "warn"),
      ...careTask("gaps", "warn"),
      ...task("quarantine", "warn", refused.data.value?.total ?? 0, listed(reasons), "/office/quarantine"),
      ...task(
        "signals",
        "warn",
        signals.data.value?.total ?? 0,
        listed([...new Set((signals.data.value?.signals ?? []).map((s) => t(`signal.${s.kind}`)))]),
        "/office/signals",
      ),
      ...task(
        "insufficient",
        "info",
        insufficient.length,
        listed(insufficient.map((one) => communities.value.find((c) => c.id === one.community)?.name ?? one.community)),
        "/office#communities",
      ),
      ...task(
        "lowStock",
        "info",
        low.length,
        listed(low.map((r) => t("tasks.left", { name: rewardName(r), n: f.int(r.stock) }))),
        "/office/rewards",
      ),
      ...task("waiting", "info", waiting.data.value?.redemptions.length ?? 0, "", "/office/rewards"),
    ];
  });
  const heard = computed(() => alarms.data.value !== null && doors.data.value !== null && devices.data.value !== null);
  const error = computed(() => alarms.error.value ?? doors.error.value ?? devices.error.value);
  const again = () =>
    Promise.all([alarms, doors, devices, refused, signals, rewards, waiting].map((one) => one.reload()));
  return { tasks, heard, error, again, devices };
}
