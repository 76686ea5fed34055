/**
 * What the headers of a request ask for, and where it comes from.
 *
 * Boundary: pure functions of the values of headers.
 */

/** The items of a list, each with its parameters, lower-case. What is quoted is none of them. */
const itemsOf = (list: string): ReadonlyArray<ReadonlyArray<string>> =>
  list
    .replace(/"(?:[^"\\]|\\.)*"/g, '""')
    .toLowerCase()
    .split(",")
    .map((item) => item.split(";").map((part) => part.trim()))

/** Whether a `Prefer` (RFC 7240) asks for an answer at once. */
export const wantsNoWait = (prefer: string | undefined): boolean =>
  itemsOf(prefer ?? "").some(([preference]) => preference === "respond-async")

/** How much an `Accept` wants a type that it names, from 0 to 1. */
const qualityOf = (accept: string, type: string): number => {
  const [, ...parameters] = itemsOf(accept).find(([name]) => name === type) ?? ["", "q=0"]
  const given = parameters.find((parameter) => /^q\s*=/.test(parameter))
  const quality = Number(given?.replace(/^q\s*=\s*/, "") ?? 1)
  return quality >= 0 && quality <= 1 ? quality : 0
}

/** Whether an `Accept` wants lines of JSON, and server-sent events no more than those. */
export const wantsLines = (accept: string | undefined): boolean => {
  const quality = qualityOf(accept ?? "", "application/x-ndjson")
  return quality > 0 && quality >= qualityOf(accept ?? "", "text/event-stream")
}

/** Why a `Content-Type` is not that of JSON in UTF-8; undefined if it is. */
export const refusalOfType = (type: string | undefined): string | undefined => {
  if (type === undefined || type === "") return "the request names no content type"
  const [mediaType, ...parameters] = type
    .toLowerCase()
    .split(";")
    .map((part) => part.trim())
  if (mediaType !== "application/json") return "the content type is another one"
  const charset = parameters.find((parameter) => parameter.startsWith("charset"))
  return charset === undefined || /^charset\s*=\s*"?utf-?8"?$/.test(charset) ? undefined : "JSON is in UTF-8"
}

/**
 * Whether a page of another origin sends it. A browser sends a request that needs no permission wherever a page tells it to,
 * and says where from. Other clients say nothing of it.
 */
export const isForeign = (headers: Readonly<Record<string, string | undefined>>, origins: ReadonlyArray<string>) => {
  const { host = "", origin, "sec-fetch-site": site } = headers
  if (origin !== undefined && origins.includes(origin)) return false
  if (site !== undefined) return site !== "same-origin" && site !== "none"
  return origin !== undefined && origin.toLowerCase().replace(/^https?:\/\//, "") !== host.toLowerCase()
}
