/** The phone's own store (IndexedDB): what was done, what was read, and photos. */
const NAME = "smartbin-crew";
const VERSION = 2;
type Store = "entries" | "saved" | "photos";

function open(): Promise<IDBDatabase> {
  return new Promise((resolve, reject) => {
    const request = indexedDB.open(NAME, VERSION);
    request.onupgradeneeded = () => {
      const has = request.result.objectStoreNames;
      if (!has.contains("entries")) request.result.createObjectStore("entries", { keyPath: "id" });
      if (!has.contains("saved")) request.result.createObjectStore("saved");
      if (!has.contains("photos")) request.result.createObjectStore("photos");
    };
    request.onsuccess = () => resolve(request.result);
    request.onerror = () => reject(request.error ?? new Error("IndexedDB"));
  });
}

async function run<T>(store: Store, mode: IDBTransactionMode, act: (s: IDBObjectStore) => IDBRequest<T>): Promise<T> {
  const db = await open();
  try {
    return await new Promise<T>((resolve, reject) => {
      const transaction = db.transaction(store, mode);
      const request = act(transaction.objectStore(store));
      transaction.oncomplete = () => resolve(request.result);
      transaction.onerror = () => reject(transaction.error ?? new Error("IndexedDB"));
      transaction.onabort = () => reject(transaction.error ?? new Error("IndexedDB"));
    });
  } finally {
    db.close();
  }
}

export const write = (store: Store, value: unknown, key?: string): Promise<unknown> =>
  run(store, "readwrite", (s) => s.put(value, key));
export const read = <T>(store: Store, key: string): Promise<T | undefined> =>
  run<T | undefined>(store, "readonly", (s) => s.get(key));
export const each = <T>(store: Store): Promise<T[]> => run<T[]>(store, "readonly", (s) => s.getAll());
export const drop = (store: Store, key: string): Promise<unknown> => run(store, "readwrite", (s) => s.delete(key));
