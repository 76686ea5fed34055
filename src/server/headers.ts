/**
 * Reads the headers of a request: the answer that it asks for, and the origin that it comes from.
 *
 * Boundary: pure functions of the values of headers, linear in their length.
 */
import { Limits } from "../Limits.ts"

/** A list with its quoted strings emptied. A string that is not closed reaches to the end. */
const unquoted = (list: string): string => {
  let text = ""
  let isQuoted = false
  for (let at = 0; at < list.length; at++) {
    const char = list.charAt(at)
    if (char === '"') isQuoted = !isQuoted
    if (!isQuoted || char === '"') text += char
    else if (char === "\\") at++
  }
  return text
}

/**
 * The parameters, in lower case, of the named item of a list; undefined if there is no such item. The end of a very long list
 * is not read.
 */
const parametersOf = (list: string, name: string): string | undefined => {
  const items = unquoted(list.slice(0, Limits.serverListLength)).toLowerCase().split(",")
  for (const item of items) {
    const end = item.indexOf(";")
    if ((end === -1 ? item : item.slice(0, end)).trim() === name) return end === -1 ? "" : item.slice(end + 1)
  }
  return undefined
}

/** The coding of an answer, which an `Accept-Encoding` must allow; undefined for none. */
export const codingFor = (accept: string | undefined): "br" | "gzip" | undefined => {
  if (accept === undefined) return undefined
  if (qualityOf(accept, "br") > 0) return "br"
  return qualityOf(accept, "gzip") > 0 ? "gzip" : undefined
}

/** Whether an `If-None-Match` names an entity tag. */
export const isUnchanged = (ifNoneMatch: string | undefined, etag: string): boolean => {
  const tags = (ifNoneMatch ?? "").slice(0, Limits.serverListLength).split(",")
  return tags.some((tag) => tag.trim() === "*" || tag.trim().replace(/^W\//, "") === etag.replace(/^W\//, ""))
}

/** The headers in which a proxy names the client that it forwards for. */
const forwarding = ["forwarded", "x-forwarded-for", "x-forwarded-host", "x-forwarded-proto", "x-real-ip", "via"]

/** Whether a request came through a proxy that says so. */
export const isForwarded = (headers: Readonly<Record<string, string | undefined>>): boolean =>
  forwarding.some((name) => headers[name] !== undefined)

/** Whether a `Prefer` (RFC 7240) asks for an answer at once. */
export const wantsNoWait = (prefer: string | undefined): boolean =>
  parametersOf(prefer ?? "", "respond-async") !== undefined

/** The quality, from 0 to 1, that an `Accept` gives a type; 0 if it does not name the type. */
const qualityOf = (accept: string, type: string): number => {
  const parameters = parametersOf(accept, type)
  if (parameters === undefined) return 0
  const all = parameters.split(";").map((parameter) => parameter.trim())
  const given = all.find((parameter) => /^q\s*=/.test(parameter))
  const quality = Number(given?.replace(/^q\s*=\s*/, "") ?? 1)
  return quality >= 0 && quality <= 1 ? quality : 0
}

/** Whether an `Accept` names NDJSON, and wants it at least as much as server-sent events. */
export const wantsLines = (accept: string | undefined): boolean => {
  const quality = qualityOf(accept ?? "", "application/x-ndjson")
  return quality > 0 && quality >= qualityOf(accept ?? "", "text/event-stream")
}

/** The reason why a `Content-Type` is not JSON in UTF-8; undefined if it is. */
export const refusalOfType = (type: string | undefined): string | undefined => {
  if (type === undefined || type === "") return "the request names no content type"
  if (type.length > Limits.serverListLength) return "the content type is too long"
  const [mediaType = "", ...parameters] = partsOf(type.toLowerCase())
  if (mediaType.trim() !== "application/json") return "the content type is not application/json"
  for (const parameter of parameters) {
    const [name = "", value = ""] = parameter.split("=", 2)
    if (name.trim() === "charset") return charsets.includes(value.trim()) ? undefined : "JSON must be in UTF-8"
  }
  return undefined
}

const charsets = ["utf-8", "utf8", '"utf-8"', '"utf8"']

/** The parts of a header between its semicolons, apart from semicolons within quoted strings. */
const partsOf = (header: string): ReadonlyArray<string> => {
  const parts: Array<string> = []
  let start = 0
  let isQuoted = false
  for (let at = 0; at < header.length; at++) {
    const char = header.charAt(at)
    if (char === '"') isQuoted = !isQuoted
    else if (isQuoted && char === "\\") at++
    else if (char === ";" && !isQuoted) {
      parts.push(header.slice(start, at))
      start = at + 1
    }
  }
  parts.push(header.slice(start))
  return parts
}

/**
 * Whether a page of another origin sent a request. A browser sends a request that needs no permission to any server that a
 * page names, and adds the page's origin. Other clients send no origin.
 */
export const isForeign = (headers: Readonly<Record<string, string | undefined>>, origins: ReadonlyArray<string>) => {
  const { host = "", origin, "sec-fetch-site": site } = headers
  if (origin !== undefined && origins.includes(origin)) return false
  if (site !== undefined) return site !== "same-origin" && site !== "none"
  return origin !== undefined && origin.toLowerCase().replace(/^https?:\/\//, "") !== host.toLowerCase()
}

/** Whether a page of a browser sent a request. One that came without TLS from another machine does not say so. */
export const isOfPage = (headers: Readonly<Record<string, string | undefined>>): boolean =>
  headers["sec-fetch-site"] !== undefined
