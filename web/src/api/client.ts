/**
 * Every call to the API. A path is one of the API's description; what it is asked with and what it
 * answers follow from it. Errors are of one kind, ApiError, whose `kind` says what to do next.
 */
import type { paths } from "./openapi";

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

type Method = "get" | "post" | "put" | "delete";
/** The paths that have an operation of this method. */
export type PathOf<M extends Method> = { [P in keyof paths]: paths[P][M] extends object ? P : never }[keyof paths];
/** An operation as `GET /api/v1/session` calls it: "GET /api/v1/site". */
export type Operation = { [M in Method]: `${Uppercase<M>} ${PathOf<M>}` }[Method];

type OperationOf<M extends Method, P extends keyof paths> = NonNullable<paths[P][M]>;
type Content<O> = O extends { responses: infer R } ? R[keyof R & (200 | 201)] : never;
export type Answer<M extends Method, P extends keyof paths> =
  Content<OperationOf<M, P>> extends { content: { "application/json": infer A } } ? A : null;

type PathPart<O> = O extends { parameters: { path: infer T extends object } } ? { path: T } : object;
type QueryPart<O> = O extends { parameters: { query?: infer Q extends object } } ? { query?: Q } : object;
type Sent<C> = C extends { "application/json": infer B } ? B : Blob;
type BodyPart<O> = O extends { requestBody: { content: infer C } } ? { body: Sent<C> } : object;
type Parts<O> = PathPart<O> & QueryPart<O> & BodyPart<O>;
/** What an operation is asked with: the path's names, the query and the body; left out where it needs none of them. */
type Asked<M extends Method, P extends keyof paths> =
  object extends Parts<OperationOf<M, P>> ? [asked?: Parts<OperationOf<M, P>>] : [asked: Parts<OperationOf<M, P>>];

interface Loose {
  path?: object;
  query?: object;
  body?: unknown;
}

const TIMEOUT_MS = 15_000;

function kindOf(status: number): ErrorKind {
  if (status === 401) return "unauthorised";
  if (status === 403) return "forbidden";
  if (status === 404) return "missing";
  return status >= 500 ? "server" : "refused";
}

/** A path with its names filled in and its query, in which empty and undefined values are left out. */
function addressOf(path: string, asked: Loose): string {
  const names = new Map<string, unknown>(Object.entries(asked.path ?? {}));
  const filled = path.replace(/\{(\w+)\}/g, (_, name: string) => encodeURIComponent(String(names.get(name))));
  const kept = Object.entries(asked.query ?? {}).filter(([, value]) => value !== undefined && value !== "");
  const text = new URLSearchParams(kept.map(([name, value]) => [name, String(value)])).toString();
  return text ? `${filled}?${text}` : filled;
}

async function call<A>(method: string, path: string, asked: Loose = {}): Promise<A> {
  const { body } = asked;
  const headers: Record<string, string> = { Accept: "application/json" };
  if (body !== undefined) headers["Content-Type"] = body instanceof Blob ? body.type : "application/json";
  // No page of another site can make a browser send this: the API takes no change without it.
  if (method !== "GET") headers["X-Requested-With"] = "smartbin";
  let answer: Response;
  try {
    answer = await fetch(addressOf(path, asked), {
      method,
      headers,
      body: body === undefined || body instanceof Blob ? body : JSON.stringify(body),
      credentials: "same-origin",
      signal: AbortSignal.timeout(TIMEOUT_MS),
    });
  } catch {
    throw new ApiError("offline", 0, "no connection");
  }
  if (answer.ok) return JSON.parse((await answer.text()) || "null");
  const problem: Record<string, unknown> = await answer.json().catch(() => ({}));
  throw new ApiError(kindOf(answer.status), answer.status, String(problem.detail ?? answer.statusText), problem);
}

/** Read from the API. Rejects with ApiError, as every call here does. */
export const get = <P extends PathOf<"get">>(path: P, ...[asked]: Asked<"get", P>) =>
  call<Answer<"get", P>>("GET", path, asked);
export const post = <P extends PathOf<"post">>(path: P, ...[asked]: Asked<"post", P>) =>
  call<Answer<"post", P>>("POST", path, asked);
/** Send a file as it is. */
export const put = <P extends PathOf<"put">>(path: P, ...[asked]: Asked<"put", P>) =>
  call<Answer<"put", P>>("PUT", path, asked);
export const remove = <P extends PathOf<"delete">>(path: P, ...[asked]: Asked<"delete", P>) =>
  call<Answer<"delete", P>>("DELETE", path, asked);

/** The address of an answer, for a link that downloads it. */
export const linkTo = <P extends PathOf<"get">>(path: P, ...[asked]: Asked<"get", P>): string =>
  addressOf(path, asked ?? {});
