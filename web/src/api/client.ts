/** Every call to the API. Errors are of one kind, ApiError, whose `kind` says what to do next. */
export type ErrorKind = "offline" | "unauthorised" | "forbidden" | "missing" | "refused" | "server";

export class ApiError extends Error {
  constructor(
    readonly kind: ErrorKind,
    readonly status: number,
    message: string,
    readonly body: Record<string, unknown> = {},
  ) {
    super(message);
  }
}

const TIMEOUT_MS = 15_000;

function kindOf(status: number): ErrorKind {
  if (status === 401) return "unauthorised";
  if (status === 403) return "forbidden";
  if (status === 404) return "missing";
  return status >= 500 ? "server" : "refused";
}

async function call<T>(method: string, path: string, body?: unknown): Promise<T> {
  const headers: Record<string, string> = { Accept: "application/json" };
  if (body !== undefined) headers["Content-Type"] = body instanceof Blob ? body.type : "application/json";
  // No page of another site can make a browser send this: the API takes no change without it.
  if (method !== "GET") headers["X-Requested-With"] = "smartbin";
  let answer: Response;
  try {
    answer = await fetch(`/api/v1/${path}`, {
      method,
      headers,
      body: body === undefined || body instanceof Blob ? body : JSON.stringify(body),
      credentials: "same-origin",
      signal: AbortSignal.timeout(TIMEOUT_MS),
    });
  } catch {
    throw new ApiError("offline", 0, "no connection");
  }
  if (answer.ok) return (answer.status === 204 ? undefined : await answer.json()) as T;
  const problem = (await answer.json().catch(() => ({}))) as Record<string, unknown>;
  throw new ApiError(kindOf(answer.status), answer.status, String(problem.detail ?? answer.statusText), problem);
}

export const get = <T>(path: string, query: Record<string, string | number | undefined> = {}): Promise<T> => {
  const kept = Object.entries(query).filter(([, value]) => value !== undefined && value !== "");
  const text = new URLSearchParams(kept.map(([name, value]) => [name, String(value)])).toString();
  return call<T>("GET", text ? `${path}?${text}` : path);
};
export const post = <T>(path: string, body: unknown): Promise<T> => call<T>("POST", path, body);
/** Send a file as it is. */
export const put = (path: string, file: Blob): Promise<void> => call<void>("PUT", path, file);
export const remove = <T>(path: string): Promise<T> => call<T>("DELETE", path);
