import { computed } from "vue";
import { ApiError, get } from "@/api/client";
import type { Role, Session } from "@/api/types";
import { useResource } from "@/ui/resource";

export type Room = "overview" | "devices" | "verdicts" | "signals" | "quarantine" | "accounts" | "rewards" | "registry" | "people";

/** The office's pages and who may open them; the API enforces it, the page only leads. */
const OPEN_TO: Record<Room, Role[]> = {
  overview: ["community", "office", "admin"],
  devices: ["community", "office", "admin"],
  verdicts: ["supervisor", "inspector", "office", "admin"],
  signals: ["office", "admin"],
  quarantine: ["office", "admin"],
  accounts: ["office", "admin"],
  rewards: ["community", "office", "admin"],
  registry: ["community", "office", "admin"],
  people: ["office", "admin"],
};
export const ROOMS = Object.keys(OPEN_TO) as Room[];
export const pathOf = (room: Room) => (room === "overview" ? "/office" : `/office/${room}`);

/** Who is signed in, and what stands in their way to a page: nobody signed in, or not theirs. */
export function useSession(room: Room) {
  const session = useResource(() => get<Session>("session"));
  const role = computed(() => session.data.value?.role ?? null);
  /** Whose community's things alone they see; null for everybody's. */
  const community = computed(() => session.data.value?.community ?? null);
  const may = (one: Room) => role.value !== null && OPEN_TO[one].includes(role.value);
  const denied = computed(() => {
    if (session.error.value?.kind === "unauthorised") return session.error.value;
    return role.value && !may(room) ? new ApiError("forbidden", 403, role.value) : null;
  });
  const mine = computed(() => ROOMS.filter(may));
  return { session, role, community, may, denied, mine };
}
