/**
 * The console's way to its server: requests by paths relative to the page, with the token that the viewer gave.
 *
 * Invariants: it asks only the server that served the page; a page with a recorded job asks nobody; a problem is a value, and
 * never a throw of the browser's; a server that asks for a token refuses one request, and gets no other one until there is a new
 * token. Boundary: HTTP in, shapes out.
 */
import { batch, signal } from "@preact/signals"
import type * as Shapes from "../../server/shapes.ts"
import type { Answer, Problem } from "./answer.ts"
import { clockMs, hearServerTime } from "./clock.ts"
import { kept } from "./kept.ts"
import { Blocks, Lines } from "./lines.ts"
import { recorded } from "./recorded.ts"
import { turn } from "./timers.ts"

export type Job = typeof Shapes.Job.Type
export type JobSummary = typeof Shapes.JobSummary.Type
export type JobPage = typeof Shapes.JobPage.Type
export type State = typeof Shapes.State.Type
export type Usage = typeof Shapes.Usage.Type
export type Result = typeof Shapes.Result.Type
export type Fact = typeof Shapes.Fact.Type
export type FactPage = typeof Shapes.FactPage.Type
export type FactRef = typeof Shapes.FactRef.Type
export type Explanation = typeof Shapes.Explanation.Type
export type ProgramInfo = typeof Shapes.ProgramInfo.Type
export type ErrorJson = typeof Shapes.ErrorJson.Type

export type { Answer, Problem } from "./answer.ts"

const keptToken = kept("sessionStorage", "converge-token")

export const token = signal(keptToken.read())
/** Whether the server asked for a token. */
export const needsToken = signal(false)
/** Whether the last request reached the server. */
export const isReached = signal(true)

/**
 * `isAnswered`: the server has answered a request with the token of now, or without one. `first`: the request whose answer tells
 * whether the server takes the token. Others wait for it, so that only one is refused.
 */
const gate: { isAnswered: boolean; first: Promise<unknown> | undefined } = { isAnswered: false, first: undefined }

export const useToken = (text: string): void => {
  gate.isAnswered = false
  keptToken.write(text)
  // An effect that asks again for the new token must not find that one is missing.
  batch(() => {
    token.value = text
    needsToken.value = false
  })
}

/** Forgets the token. What the page shows was read with it, so the page begins anew. */
export const leaveToken = (): void => {
  keptToken.write("")
  location.reload()
}

export interface Ask {
  readonly method?: "GET" | "POST" | "DELETE"
  readonly body?: unknown
  readonly headers?: Readonly<Record<string, string>>
  readonly signal?: AbortSignal
}

const root = "api/v1/"

const isAbort = (error: unknown): boolean => error instanceof DOMException && error.name === "AbortError"

const problemIn = async (response: Response): Promise<Problem> => {
  const { status, statusText } = response
  const body = (await response.json().catch(() => ({}))) as Readonly<Record<string, unknown>>
  const text = (name: string): string => (typeof body[name] === "string" ? body[name] : "")
  const { decided } = body as Pick<Problem, "decided">
  return {
    ...{ status, title: text("title") || statusText, detail: text("detail"), isToldOnTop: status === 401 },
    ...{ name: text("type").replace(/^.*:/, ""), jobStatus: text("jobStatus") },
    ...(decided === undefined ? {} : { decided })
  }
}

const withoutToken: Answer<never> = {
  ok: false,
  problem: { status: 401, title: "The server asks for a token", detail: "", isToldOnTop: true }
}

/** Asks the server for a response. Undefined if the request was given up. */
export const request = async (path: string, ask: Ask = {}): Promise<Answer<Response> | undefined> => {
  // A caller that is an effect runs again when the token changes.
  const { value: given } = token
  // Each wait ends with the first request, which may have been given up: then one of those that waited is the first.
  while (!gate.isAnswered && gate.first !== undefined) await gate.first
  if (needsToken.peek() && token.peek() === given) return withoutToken
  if (gate.isAnswered) return send(path, ask)
  const sent = send(path, ask)
  gate.first = sent
  try {
    return await sent
  } finally {
    gate.first = undefined
  }
}

/** Sends a request with the token. */
const send = async (path: string, ask: Ask): Promise<Answer<Response> | undefined> => {
  const headers = new Headers(ask.headers)
  const used = token.peek()
  if (used !== "") headers.set("authorization", `Bearer ${used}`)
  if (ask.body !== undefined) headers.set("content-type", "application/json")
  let response
  const sentAt = clockMs()
  try {
    response = await fetch(root + path, {
      method: ask.method ?? "GET",
      headers,
      ...(ask.body === undefined ? {} : { body: JSON.stringify(ask.body) }),
      ...(ask.signal === undefined ? {} : { signal: ask.signal })
    })
  } catch (error) {
    if (isAbort(error)) return undefined
    isReached.value = false
    return { ok: false, problem: { status: 0, title: "The server does not answer", detail: "", isToldOnTop: true } }
  }
  isReached.value = true
  hearServerTime(sentAt, response.headers.get("date") ?? "")
  // The answer to an older token tells nothing of a newer one.
  if (used === token.peek()) {
    gate.isAnswered = true
    if (response.status === 401) needsToken.value = true
  }
  return response.ok ? { ok: true, value: response } : { ok: false, problem: await problemIn(response) }
}

/** The answer of a recorded job to a request that would steer it. */
const refused: Answer<never> = {
  ok: false,
  problem: { status: 0, title: "This is a record", detail: "A recorded job cannot be steered." }
}

/** Tuning: characters that are read before the page has a turn. */
const readAtOnce = 1_000_000

/** Reads a text as it comes. The page has turns in between, however much of it has come already. */
async function* piecesIn(body: ReadableStream<Uint8Array<ArrayBuffer>>): AsyncGenerator<string> {
  const reader = body.pipeThrough(new TextDecoderStream()).getReader()
  let length = 0
  for (;;) {
    const { done, value } = await reader.read()
    if (done) return
    yield value
    length += value.length
    if (length < readAtOnce) continue
    await turn()
    length = 0
  }
}

/** The JSON of texts that came together. Where they are long, each has a turn of its own. */
const parsed = async (texts: ReadonlyArray<string>): Promise<ReadonlyArray<unknown>> => {
  if (lengthOf(texts) < readAtOnce) return texts.map((text) => JSON.parse(text) as unknown)
  const values: Array<unknown> = []
  for (const text of texts) {
    await turn()
    values.push(JSON.parse(text))
  }
  await turn()
  return values
}

const lengthOf = (texts: ReadonlyArray<string>): number => texts.reduce((sum, { length }) => sum + length, 0)

/** The JSON of an answer. */
const jsonOf = async ({ body }: Response): Promise<unknown> => {
  const pieces: Array<string> = []
  if (body !== null) for await (const piece of piecesIn(body)) pieces.push(piece)
  const [value] = await parsed([pieces.join("")])
  return value
}

/** Asks for JSON. The server's tests hold it to the shape. */
export const ask = async <A>(path: string, options: Ask = {}): Promise<Answer<A> | undefined> => {
  if (recorded !== undefined) return options.method === undefined ? (recorded.answer(path) as Answer<A>) : refused
  const answer = await request(path, options)
  if (answer === undefined || !answer.ok) return answer
  try {
    return { ok: true, value: (await jsonOf(answer.value)) as A }
  } catch (error) {
    if (isAbort(error)) return undefined
    return { ok: false, problem: { status: 0, title: "The answer was cut off", detail: String(error) } }
  }
}

/** The path of a job, and of what is below it. */
export const ofJob = (id: string, below = ""): string => `jobs/${encodeURIComponent(id.toWellFormed())}${below}`

export const queryOf = (parts: Readonly<Record<string, string | number | undefined>>): string => {
  const query = new URLSearchParams()
  for (const [name, part] of Object.entries(parts)) if (part !== undefined && part !== "") query.set(name, String(part))
  const text = query.toString()
  return text === "" ? "" : `?${text}`
}

/** Takes items that came together. `length`: the characters of their JSON. `lastId`: the newest id of the stream. */
type Take<A> = (items: ReadonlyArray<A>, length: number, lastId: string) => void

interface Reader {
  readonly accept: string
  readonly texts: (piece: string) => ReadonlyArray<string>
  readonly lastId: () => string
}

/** Reads items of JSON as they come, in batches, from a stream that `texts` takes apart. */
const readItems = async <A>(
  path: string,
  options: Ask,
  { accept, lastId, texts }: Reader,
  take: Take<A>
): Promise<Answer<"ended" | "nothing"> | undefined> => {
  const answer = await request(path, { ...options, headers: { accept, ...options.headers } })
  if (answer === undefined || !answer.ok) return answer
  const { body, status } = answer.value
  if (status === 204 || body === null) return { ok: true, value: "nothing" }
  try {
    for await (const piece of piecesIn(body)) {
      const found = texts(piece)
      const items = (await parsed(found)) as ReadonlyArray<A>
      // The page may have gone elsewhere.
      if (options.signal?.aborted === true) return undefined
      if (items.length > 0) take(items, lengthOf(found), lastId())
    }
    return { ok: true, value: "ended" }
  } catch (error) {
    if (isAbort(error)) return undefined
    return { ok: false, problem: { status: 0, title: "The stream was cut off", detail: "" } }
  }
}

/** Reads lines of JSON as they come, in batches; empty lines are heartbeats. Ends with the stream, or when it is given up. */
export const readLines = async <A>(path: string, options: Ask, take: Take<A>) => {
  if (recorded !== undefined) {
    const after = new Headers(options.headers).get("last-event-id")
    const items = recorded.eventsAfter(Number(after ?? 0)) as ReadonlyArray<A>
    // The page holds the record anyway, so its events take no more room.
    if (items.length > 0) take(items, 0, "")
    return { ok: true, value: "nothing" } as const
  }
  const lines = new Lines()
  const texts = (piece: string): ReadonlyArray<string> => lines.push(piece).filter((line) => line !== "")
  return readItems(path, options, { accept: "application/x-ndjson", texts, lastId: () => "" }, take)
}

/** Reads server-sent events as they come, in batches. Ends as `readLines` does. */
export const readEvents = async <A>(path: string, options: Ask, take: Take<A>) => {
  if (recorded !== undefined) return { ok: true, value: "nothing" } as const
  const blocks = new Blocks()
  return readItems(
    path,
    options,
    { accept: "text/event-stream", texts: (piece) => blocks.push(piece), lastId: () => blocks.lastId },
    take
  )
}
