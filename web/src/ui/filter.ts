import { computed } from "vue";
import { useRoute, useRouter } from "vue-router";

/** A filter that is part of the page's address: one of these values, or none. */
export function useFilter<T extends string>(name: string, values: readonly T[]) {
  const route = useRoute();
  const router = useRouter();
  const chosen = computed(() => values.find((one) => one === route.query[name]) ?? null);
  const choose = (one: T | null) => router.replace({ query: { ...route.query, [name]: one ?? undefined } });
  return { chosen, choose };
}
