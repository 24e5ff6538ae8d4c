import { computed, onScopeDispose, ref, shallowRef, triggerRef, watch } from "vue";
import { get } from "@/api/client";
import { useLive } from "@/api/live";
import { CATEGORIES, type Figures, type LiveDeposit, type Sorting } from "@/api/types";
import { dayOf, shiftDay, useNow } from "@/ui/clock";
import { useResource } from "@/ui/resource";

const MINUTE = 60_000;
const TREND_DAYS = 30;
const FEED_ROWS = 5;
/** Live deposits are drawn twice a second at most, however many arrive. */
const DRAW_MS = 500;
/** The server's own figures replace what was counted here at most this often while deposits come. */
const SYNC_MS = 20_000;

export interface FeedRow extends LiveDeposit {
  key: string;
}

/** Everything one board shows: read, kept fresh, and added to as deposits arrive. */
export function useBoard(community: string | undefined) {
  const now = useNow();
  const today = computed(() => dayOf(now.value));
  const window30 = () => ({ from: shiftDay(today.value, 1 - TREND_DAYS), to: today.value });
  const month = () => ({ from: `${today.value.slice(0, 8)}01`, to: today.value });
  type Query = { from: string; to: string; every: "day" | "total"; compare?: "previous" };
  const sortingOf = (query: Query) =>
    community
      ? get("/api/v1/communities/{community}/sorting", { path: { community }, query })
      : get("/api/v1/site/sorting", { query });
  const nothing = () => Promise.resolve(null);

  const site = useResource(() => get("/api/v1/site"), 60 * MINUTE);
  const communities = useResource(() => get("/api/v1/communities"), 60 * MINUTE);
  const sorting = useResource(() => sortingOf({ ...window30(), every: "day" }), MINUTE);
  // Whole days only: what is left of today would look like a fall.
  const week = () => ({ from: shiftDay(today.value, -7), to: shiftDay(today.value, -1) });
  const recent = useResource(() => sortingOf({ ...week(), every: "total", compare: "previous" }), 10 * MINUTE);
  const tariff = useResource(() => get("/api/v1/tariff", { query: { kind: "household" } }), 60 * MINUTE);
  const ranking = useResource(
    () => get("/api/v1/communities/ranking", { query: { ...window30(), by: "accuracy" } }),
    5 * MINUTE,
  );
  const points = useResource(
    () =>
      community ? get("/api/v1/communities/{community}/points", { path: { community }, query: month() }) : nothing(),
    MINUTE,
  );
  const bins = useResource(
    () => (community ? get("/api/v1/communities/{community}/bins", { path: { community } }) : nothing()),
    MINUTE / 2,
  );

  const feed = shallowRef<FeedRow[]>([]);
  const calm = ref(true);
  const counted = shallowRef(emptyCount());
  const days = computed(() => withToday(sorting.data.value, today.value));
  const todays = computed(() => added(days.value.at(-1) ?? null, counted.value));

  let waiting: FeedRow[] = [];
  let arrived = 0;
  let drawTimer = 0;
  let syncTimer = 0;

  const draw = () => {
    drawTimer = 0;
    calm.value = arrived <= 2;
    // A deposit stored just as the stream began is in its first rows too.
    const known = new Set(feed.value.map((row) => row.key));
    feed.value = [...waiting.reverse().filter((row) => !known.has(row.key)), ...feed.value].slice(0, FEED_ROWS);
    waiting = [];
    arrived = 0;
    triggerRef(counted);
  };
  const take = (deposit: LiveDeposit) => {
    if (community && deposit.community !== community) return;
    arrived += 1;
    waiting.push(rowOf(deposit));
    if (waiting.length > FEED_ROWS) waiting.shift();
    if (dayOf(Date.parse(deposit.at)) === today.value) {
      const own = counted.value[deposit.category];
      own.deposits += 1;
      own.weight_g += deposit.weight_g;
    }
    drawTimer ||= window.setTimeout(draw, DRAW_MS);
    syncTimer ||= window.setTimeout(sync, SYNC_MS * (0.75 + Math.random() / 2));
  };
  const sync = () => {
    syncTimer = 0;
    void sorting.reload();
  };
  watch(sorting.data, () => {
    counted.value = emptyCount();
  });
  watch(today, () => [sorting, recent, tariff, ranking, points].forEach((resource) => void resource.reload()));

  const live = useLive(
    community ? `/api/v1/live?community=${encodeURIComponent(community)}` : "/api/v1/live",
    {
      recent: (data) => {
        feed.value = data.deposits.map(rowOf).slice(0, FEED_ROWS);
      },
      deposit: (data) => take(data),
      level: () => {},
      reload: () => {
        void sorting.reload();
        void bins.reload();
      },
    },
    () => {
      void sorting.reload();
      void bins.reload();
    },
  );
  onScopeDispose(() => {
    clearTimeout(drawTimer);
    clearTimeout(syncTimer);
  });

  return {
    now,
    today,
    site,
    communities,
    sorting,
    recent,
    tariff,
    ranking,
    points,
    bins,
    feed,
    calm,
    days,
    todays,
    live,
  };
}

const rowOf = (deposit: LiveDeposit): FeedRow => ({
  ...deposit,
  key: `${deposit.device}/${deposit.door}/${deposit.at}`,
});

const emptyCount = () => ({
  kitchen: { deposits: 0, weight_g: 0 },
  recyclable: { deposits: 0, weight_g: 0 },
  hazardous: { deposits: 0, weight_g: 0 },
  residual: { deposits: 0, weight_g: 0 },
});

const NOTHING = { deposits: 0, weight_g: 0, share: null, judged: 0, correct: 0, accuracy: null };

/** The answer's days, ending with today even before today's first deposit. */
function withToday(sorting: Sorting | null, today: string) {
  if (!sorting) return [];
  if (sorting.days.at(-1)?.day === today) return sorting.days;
  const blank: Figures = {
    ...sorting.total,
    deposits: 0,
    weight_g: 0,
    judged: 0,
    correct: 0,
    accuracy: null,
    completeness: null,
    by_category: { kitchen: NOTHING, recyclable: NOTHING, hazardous: NOTHING, residual: NOTHING },
  };
  return [...sorting.days, { day: today, ...blank }];
}

/** The server's figures of today and what has arrived since. */
function added(base: Figures | null, more: ReturnType<typeof emptyCount>): Figures | null {
  if (!base) return null;
  const by_category = { ...base.by_category };
  let { deposits, weight_g } = base;
  for (const category of CATEGORIES) {
    const own = by_category[category] ?? NOTHING;
    by_category[category] = {
      ...own,
      deposits: own.deposits + more[category].deposits,
      weight_g: own.weight_g + more[category].weight_g,
    };
    deposits += more[category].deposits;
    weight_g += more[category].weight_g;
  }
  return { ...base, deposits, weight_g, by_category };
}
