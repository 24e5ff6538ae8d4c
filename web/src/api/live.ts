import { onScopeDispose, ref, type Ref } from "vue";
import type { LiveDeposit } from "./types";

/** What the stream sends, by the event's name; a `level` and a `reload` say only that something changed. */
interface Events {
  recent: { deposits: LiveDeposit[] };
  deposit: LiveDeposit;
  level: unknown;
  reload: unknown;
  ping: unknown;
}
type Listeners = { [Name in keyof Events]: (data: Events[Name]) => void };

const FIRST_DELAY_MS = 1_000;
const MAX_DELAY_MS = 30_000;
/** The server speaks at least every 15 s; twice that and some is a dead connection. */
const SILENCE_MS = 40_000;

export interface Live {
  connected: Ref<boolean>;
  lostSince: Ref<number | null>;
}

/**
 * Server-sent events with a watchdog and capped, jittered back-off. `EventSource` alone gives up on
 * an HTTP error and never notices a half-open connection; a wall screen must survive both.
 * `onConnect` runs after every (re)connection, when figures may have been missed.
 */
export function useLive(path: string, listeners: Omit<Listeners, "ping">, onConnect: () => void): Live {
  const connected = ref(false);
  const lostSince = ref<number | null>(null);
  let source: EventSource | null = null;
  let timer = 0;
  let delay = FIRST_DELAY_MS;

  const watch = () => {
    clearTimeout(timer);
    timer = window.setTimeout(lost, SILENCE_MS);
  };
  const lost = () => {
    source?.close();
    source = null;
    connected.value = false;
    lostSince.value ??= Date.now();
    clearTimeout(timer);
    timer = window.setTimeout(connect, delay * (0.5 + Math.random()));
    delay = Math.min(delay * 2, MAX_DELAY_MS);
  };
  const hear = <Name extends keyof Events>(from: EventSource, name: Name, listener: Listeners[Name]) =>
    from.addEventListener(name, (event) => {
      watch();
      listener(JSON.parse(event.data));
    });
  const connect = () => {
    const opened = new EventSource(path);
    source = opened;
    watch();
    opened.onopen = () => {
      connected.value = true;
      lostSince.value = null;
      delay = FIRST_DELAY_MS;
      watch();
      onConnect();
    };
    opened.onerror = () => {
      if (source === opened) lost();
    };
    hear(opened, "recent", listeners.recent);
    hear(opened, "deposit", listeners.deposit);
    hear(opened, "level", listeners.level);
    hear(opened, "reload", listeners.reload);
    hear(opened, "ping", () => {});
  };

  connect();
  onScopeDispose(() => {
    clearTimeout(timer);
    source?.close();
    source = null;
  });
  return { connected, lostSince };
}
