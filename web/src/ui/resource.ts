import { onScopeDispose, shallowRef, ref, type Ref, type ShallowRef } from "vue";
import { ApiError } from "@/api/client";

export interface Resource<T> {
  data: ShallowRef<T | null>;
  error: Ref<ApiError | null>;
  loadedAt: Ref<number | null>;
  reload: () => Promise<void>;
  /** The newest answer, waited for; rejects when it failed. */
  latest: () => Promise<T>;
}

/**
 * Something read from the API: kept while a later read fails (stale is better than empty, and is
 * said), read again every `everyMs` when given. Only the newest answer counts.
 */
export function useResource<T>(load: () => Promise<T>, everyMs = 0): Resource<T> {
  const data = shallowRef<T | null>(null);
  const error = ref<ApiError | null>(null);
  const loadedAt = ref<number | null>(null);
  let turn = 0;
  let newest: Promise<T>;

  const reload = async () => {
    const mine = ++turn;
    try {
      newest = load();
      const answer = await newest;
      if (mine !== turn) return;
      data.value = answer;
      error.value = null;
      loadedAt.value = Date.now();
    } catch (failure) {
      if (mine !== turn) return;
      error.value = failure instanceof ApiError ? failure : new ApiError("server", 0, String(failure));
    }
  };

  void reload();
  if (everyMs > 0) {
    const timer = window.setInterval(() => void reload(), everyMs);
    onScopeDispose(() => clearInterval(timer));
  }
  onScopeDispose(() => {
    turn += 1;
  });
  return { data, error, loadedAt, reload, latest: () => newest };
}
