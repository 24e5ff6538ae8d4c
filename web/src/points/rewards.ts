import { useI18n } from "vue-i18n";
import type { Reward } from "@/api/types";

/** A reward's name in the reader's language. */
export function useRewardName() {
  const { locale } = useI18n();
  const rewardName = (reward: Reward) => (locale.value === "zh" ? reward.name : reward.name_en);
  /** By its id, which it is called by when the catalogue does not know it. */
  const nameOf = (rewards: readonly Reward[], id: string) => {
    const reward = rewards.find((one) => one.id === id);
    return reward ? rewardName(reward) : id;
  };
  return { rewardName, nameOf };
}
