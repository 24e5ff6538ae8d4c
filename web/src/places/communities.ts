import { computed } from "vue";
import { get } from "@/api/client";
import { useResource } from "@/ui/resource";

/** The site's communities, and the name of one by its id ("" where a thing belongs to none). */
export function useCommunities() {
  const communities = useResource(() => get("/api/v1/communities"));
  const names = computed(() => new Map((communities.data.value?.communities ?? []).map((c) => [c.id, c.name])));
  const communityName = (id: string | null) => names.value.get(id ?? "") ?? "";
  return { communities, communityName };
}
