import type { Role } from "@/api/types";

const HOME: Partial<Record<Role, string>> = { crew: "/crew", resident: "/me", supervisor: "/office/verdicts", inspector: "/office/verdicts" };

/** The page that a role begins its day with. */
export const homeOf = (role: Role): string => HOME[role] ?? "/office";
