/** The shapes the screens read. Weights in grams, times RFC 3339, days as 2026-11-23. */
export const CATEGORIES = ["kitchen", "recyclable", "hazardous", "residual"] as const;
export type Category = (typeof CATEGORIES)[number];
export type DoorState = "ok" | "full" | "overfull" | "silent" | "fault";

export interface Rate { value: number; low: number; high: number; n: number; denominator: string }
export interface CategoryFigures { deposits: number; weight_g: number; share: number | null; judged: number; correct: number; accuracy: Rate | null }
export interface Figures {
  deposits: number;
  weight_g: number;
  judged: number;
  correct: number;
  accuracy: Rate | null;
  completeness: number | null;
  insufficient?: string | null;
  by_category: Record<Category, CategoryFigures>;
}
export interface DayFigures extends Figures { day: string }
export interface Sorting { from: string; to: string; days: DayFigures[]; total: Figures; as_of?: string; silent_devices?: string[]; missing_messages?: number; quarantined?: number }

export interface Community {
  id: string;
  name: string;
  kind: "showcase" | "model" | "standard";
  households: number;
  placeholder?: boolean;
  grid?: string;
  x_m?: number;
  y_m?: number;
}
export interface SiteDevice { id: string; kind: "bin" | "collection_point"; name?: string; community: string | null; doors: unknown[]; x_m?: number; y_m?: number }
export interface Site { id: string; name: string; zone?: string; communities: number; bins: number; collection_points: number; plain_bins: number; devices: SiteDevice[] }

export interface Rank { rank: number; community: string; value: number; low: number; high: number; n: number }
export interface Insufficient { community: string; reason?: string }
export interface Ranking { by: string; from: string; to: string; ranks: Rank[]; insufficient: (Insufficient | string)[] }

export interface Points { given: number; spent: number; top: { account: string; points: number }[] }

export interface BinDoor { door: string; category: Category; level_pct: number | null; state: DoorState; read_at: string | null }
export interface BinState { device: string; name?: string; state: "online" | "offline" | "silent"; last_seen: string | null; doors: BinDoor[] }
export interface CommunityBins { as_of: string; bins: BinState[] }

export interface FullDoor {
  device: string;
  door: string;
  category: Category;
  community: string | null;
  collection_point: string | null;
  name?: string;
  x_m?: number;
  y_m?: number;
  level_pct: number | null;
  state: DoorState;
  full_since: string | null;
  read_at: string | null;
  alarm?: string | null;
  /** A person said it was emptied, and the door's own sensor has not spoken since. */
  confirmed_at?: string | null;
  confirmed_by?: string | null;
}
export interface FullDoors { as_of: string; doors: FullDoor[] }

export interface LiveDeposit {
  device: string;
  door: string;
  category: Category;
  community: string | null;
  at: string;
  weight_g: number;
  verdict: "correct" | "incorrect" | null;
  item?: string | null;
  points?: number | null;
}

export interface Session { role: Role; account?: string | null }
export type Role = "crew" | "community" | "office" | "admin" | "resident";

export interface LevelAt { at: string; level_pct: number | null; fault?: string | null }
export interface Levels { device: string; doors: Record<string, LevelAt[]> }
export interface Device {
  id: string;
  kind: "bin" | "collection_point";
  name: string;
  community: string | null;
  collection_point: string | null;
  state: "online" | "offline" | null;
  status_at: string | null;
  battery_pct: number | null;
  firmware: string | null;
  alarms: { door: string; type: string; since: string }[];
  doors: { door: string; category: Category; capacity_l: number; full_pct: number; overfull_pct: number; level: LevelAt | null }[];
}
export interface DepositRow { at: string; device: string; door: string; weight_g: number; verdict: "correct" | "incorrect" | null; judge: "camera" | "supervisor" | "inspector" | null; item: string | null }
export interface CollectionRow { at: string; device: string; door: string; gross_g: number; tare_g: number; net_g: number; crew: string | null }

export interface RefusedMessage { id: string; received_at: string; device: string; topic: string; reason: string; field: string; detail: string; payload: string }
export interface QuarantineOut { total: number; counts: { device: string; reason: string; messages: number }[]; messages: RefusedMessage[] }

export interface StatementLine { at: string; day: string; kind: string; points: number; zh: string; en: string; device: string | null; door: string | null; weight_g: number | null }
export interface Statement { account: string; from: string; to: string; opening: number; closing: number; balance: number; unsettled: number; lines: StatementLine[]; next_skip: number | null; notes: { at: string; zh: string; en: string }[] }
export interface Account { account: string; kind: "household" | "enterprise"; community: string | null; balance: number; cards: { card: string; community: string; from: string; to: string | null }[] }
export interface AccountRow { account: string; kind: "household" | "enterprise"; community: string | null; balance: number }
export interface Reward { id: string; name: string; name_en: string; price: number; stock: number; offered: boolean }
export interface Redemption { id: number; account: string; community: string; reward: string; quantity: number; points: number; state: "reserved" | "handed_over" | "cancelled"; at: string; changed_at: string; changed_by: string }
