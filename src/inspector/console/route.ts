/**
 * The place in the console: what the address says, after its `#`.
 *
 * `#/jobs?...` is the list with its filters; `#/jobs/<id>/<view>?...` is a view of one job. Ids are encoded, so every id is
 * reachable, also `.`, `..` and the empty one. The address holds all that a reload must not lose: filters, view, cycle, the
 * chosen fact and task. Boundary: text to a value, and back.
 */
import { signal } from "@preact/signals"
import { recorded } from "./recorded.ts"

export const views = ["overview", "timeline", "facts", "program", "output", "events"] as const

export type View = (typeof views)[number]

export type Query = Readonly<Record<string, string>>

export type Route =
  | { readonly page: "jobs"; readonly query: Query }
  | { readonly page: "job"; readonly id: string; readonly view: View; readonly query: Query }

const isView = (name: string): name is View => (views as ReadonlyArray<string>).includes(name)

const decode = (text: string): string => {
  try {
    return decodeURIComponent(text)
  } catch {
    return text
  }
}

/** A text before and after the first mark of a kind. */
const halves = (text: string, mark: string): readonly [before: string, after: string] => {
  const place = text.indexOf(mark)
  return place === -1 ? [text, ""] : [text.slice(0, place), text.slice(place + 1)]
}

/** Reads the part of an address after its `#`. Anything that is no route is the list of jobs. */
export const parseRoute = (hash: string): Route => {
  const [path, search] = halves(hash.replace(/^#\/?/, ""), "?")
  const query = Object.fromEntries(new URLSearchParams(search))
  const [page, id, view = ""] = path.split("/")
  if (page !== "jobs" || id === undefined) return { page: "jobs", query }
  // The empty id is written as "~", and an id that begins with "~" as "~~...".
  const named = decode(id)
  return {
    page: "job",
    id: named.startsWith("~") ? named.slice(1) : named,
    view: isView(view) ? view : "overview",
    query
  }
}

/** Writes a route. Parts of the query that are empty are left out. */
export const hrefOf = (route: Route): string => {
  const search = new URLSearchParams(Object.entries(route.query).filter(([, value]) => value !== "")).toString()
  const tail = search === "" ? "" : `?${search}`
  if (route.page === "jobs") return `#/jobs${tail}`
  const named = route.id === "" || route.id.startsWith("~") ? `~${route.id}` : route.id
  return `#/jobs/${encodeURIComponent(named.toWellFormed())}/${route.view}${tail}`
}

/** The place where the page begins. The page of a recorded job shows that job. */
const first: Route =
  recorded === undefined || location.hash !== ""
    ? parseRoute(location.hash)
    : { page: "job", id: recorded.record.job.jobId, view: "overview", query: {} }

export const route = signal<Route>(first)

addEventListener("hashchange", () => {
  route.value = parseRoute(location.hash)
})

/** Goes to a place. `replace`: without a new entry in the browser's history. */
export const go = (to: Route, replace = false): void => {
  const href = hrefOf(to)
  if (replace) history.replaceState(null, "", href)
  else history.pushState(null, "", href)
  route.value = parseRoute(href)
}

/**
 * Follows links within the page at once. A browser would follow them a moment later, and what the viewer changed meanwhile would
 * be lost, or would take the viewer back.
 */
addEventListener("click", (event) => {
  if (event.defaultPrevented || event.button !== 0) return
  if (event.altKey || event.ctrlKey || event.metaKey || event.shiftKey) return
  const link = event.target instanceof Element ? event.target.closest("a") : null
  const href = link?.getAttribute("href") ?? ""
  if (!href.startsWith("#/") || link?.target !== "") return
  event.preventDefault()
  go(parseRoute(href), href === location.hash)
})

/** Changes parts of the query; an empty text takes a part away. */
export const change = (parts: Query, replace = true): void => {
  const { value } = route
  go({ ...value, query: { ...value.query, ...parts } }, replace)
}
