import { computed, effectScope, onScopeDispose, type EffectScope } from "vue";
import { ApiError, get, type Operation } from "@/api/client";
import type { Role, Session } from "@/api/types";
import { useResource, type Resource } from "@/ui/resource";

export const ROOMS = [
  "overview",
  "devices",
  "verdicts",
  "signals",
  "quarantine",
  "accounts",
  "rewards",
  "registry",
  "people",
] as const;
export type Room = (typeof ROOMS)[number];

/** The office's pages, each with the operation that opens it; the API enforces it, the page only leads. */
const OPENED_BY = {
  overview: "GET /api/v1/devices",
  devices: "GET /api/v1/devices",
  verdicts: "POST /api/v1/devices/{device}/verdicts",
  signals: "GET /api/v1/signals",
  quarantine: "GET /api/v1/quarantine",
  accounts: "GET /api/v1/accounts",
  rewards: "GET /api/v1/redemptions",
  registry: "GET /api/v1/devices",
  people: "GET /api/v1/users",
} as const satisfies Record<Room, Operation>;
export const pathOf = (room: Room) => (room === "overview" ? "/office" : `/office/${room}`);

/** Whether somebody may open a page: the server says which operations are theirs. */
export const mayOpen = (session: Session, room: Room): boolean => session.may.includes(OPENED_BY[room]);

/** The page that somebody begins their day with. */
export function homeOf(session: Session): string {
  if (session.must_change) return "/password";
  if (session.account) return "/me";
  const room = ROOMS.find((one) => mayOpen(session, one));
  return room ? pathOf(room) : "/crew";
}

/** The roles that somebody may give to others; only an admin makes another of the office. */
export const grantedBy = (session: Session | null): Role[] => {
  const lower: Role[] = ["crew", "supervisor", "inspector", "community"];
  return session?.role === "admin" ? [...lower, "office", "admin"] : lower;
};

let shared: { session: Resource<Session>; scope: EffectScope; users: number } | null = null;

/** The page's one answer to who is signed in: asked with the first part that wants it, dropped with the last. */
function sharedSession(): Resource<Session> {
  if (!shared) {
    const scope = effectScope(true);
    const session = scope.run(() => useResource(() => get("/api/v1/session")));
    if (!session) throw new Error("the scope of the session has ended");
    shared = { session, scope, users: 0 };
  }
  const mine = shared;
  mine.users += 1;
  onScopeDispose(() => {
    mine.users -= 1;
    if (mine.users > 0) return;
    mine.scope.stop();
    if (shared === mine) shared = null;
  });
  return mine.session;
}

/** Who is signed in, what they may open, and whose things they see. */
export function useSession() {
  const session = sharedSession();
  /** Whose community's things alone they see; null for everybody's. */
  const community = computed(() => session.data.value?.community ?? null);
  const may = (room: Room) => session.data.value !== null && mayOpen(session.data.value, room);
  const rooms = computed(() => ROOMS.filter(may));
  /** What stands in their way to a page: nobody is signed in, or it is not theirs. */
  const deniedAt = (room: Room): ApiError | null => {
    if (session.error.value?.kind === "unauthorised") return session.error.value;
    return session.data.value && !may(room) ? new ApiError("forbidden", 403, session.data.value.role) : null;
  };
  return { session, community, may, rooms, deniedAt };
}
