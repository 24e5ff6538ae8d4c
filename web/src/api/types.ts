/** The shapes the screens read: what docs/openapi.json says (`npm run types`), by the screens' names. */
import type { components } from "./openapi";

type Api = components["schemas"];
export const CATEGORIES = ["kitchen", "recyclable", "hazardous", "residual"] as const satisfies readonly Category[];
export type Category = Api["Category"];
export type DoorState = Api["DoorState"];

export type Rate = Api["RateOut"];
export type CategoryFigures = Api["CategoryFiguresOut"];
export type Figures = Api["FiguresOut"];
export type DayFigures = Api["DayFigures"];
export type Sorting = Api["Sorting"];
export type CommunitySorting = Api["CommunitySorting"];
export type Ranking = Api["Ranking"];

export type Community = Api["CommunityOut"];
export type Site = Api["SiteOut"];
export type Points = Api["CommunityPointsOut"];
export type BinState = Api["BoardBin"];
export type CommunityBins = Api["BoardBins"];
export type FullDoor = Api["FullDoor"];
export type FullDoors = Api["Full"];

export type Alarm = Api["ActiveAlarm"];

/** What a crew sends. */
export type RoundIn = Api["RoundIn"];
export type EmptyingIn = Api["EmptyingIn"];
export type ProblemIn = Api["ProblemIn"];
export type EndIn = Api["EndIn"];
export type Results = Api["Results"];

export type Session = Api["Me"];
export type SignedIn = Api["SessionRow"];
export type Role = Api["Role"];
export type Levels = Api["Levels"];
export type Device = Api["DeviceOut"];
export type DepositRow = Api["DepositRow"];
export type CollectionRow = Api["CollectionRow"];
export type QuarantineOut = Api["QuarantineOut"];

export type StatementLine = Api["StatementLineOut"];
export type Statement = Api["StatementOut"];
export type Account = Api["AccountOut"];
export type AccountRow = Api["AccountRow"];
export type Reward = Api["RewardOut"];
export type Redemption = Api["RedemptionRow"];

export type DevicesOut = Api["DevicesOut"];
export type DeviceRow = Api["DeviceRow"];
export type Care = Api["Care"];
export type Alarms = Api["Alarms"];
export type Signals = Api["SignalsOut"];
export type Coverage = Api["SiteCoverage"];
export type Verdicts = Api["Verdicts"];
export type Tariff = Api["TariffOut"];
export type User = Api["UserOut"];
export type Token = Api["TokensOut"]["tokens"][number];

/** A deposit as `GET /api/v1/live` tells it: an event stream, which OpenAPI has no shape for. */
export interface LiveDeposit {
  device: string;
  door: string;
  category: Category;
  community: string | null;
  at: string;
  weight_g: number;
  verdict?: DepositRow["verdict"];
  item?: DepositRow["item"];
  points?: number;
}
