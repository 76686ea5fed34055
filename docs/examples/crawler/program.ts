/**
 * A polite crawler: it asks each host for its robots rules, keeps a pace for each host, follows redirects, counts pages by the
 * address that they give themselves, and stops at a depth and a number of pages.
 */
import { Agent, Fact, Fold, Program } from "effect-converge"
import * as Effect from "effect/Effect"
import * as HttpClient from "effect/http/HttpClient"
import * as Schedule from "effect/Schedule"
import * as Schema from "effect/Schema"
import { forbiddenPaths, isForbidden, normalised, originOf, readPage } from "./web.ts"

const Input = Schema.Struct({
  /** Where the crawl begins. It stays on the hosts of these addresses. */
  start: Schema.Array(Schema.String),
  maxDepth: Schema.Int,
  maxPages: Schema.Int
})

// A page may be reached by several ways. The shortest counts, whichever is found first.
export const Url = Fact.kind("Url", {
  schema: Schema.Struct({ url: Schema.String, depth: Schema.Int }),
  id: ({ url }) => url,
  conflict: Fact.min(({ depth }) => depth)
})

export const Host = Fact.kind("Host", { schema: Schema.Struct({ origin: Schema.String }), id: ({ origin }) => origin })

/** Whether a host answers, and the paths that it forbids. */
export const Robots = Fact.kind("Robots", {
  schema: Schema.Struct({ origin: Schema.String, forbidden: Schema.Array(Schema.String) }),
  id: ({ origin }) => origin
})

const Address = Schema.Struct({ url: Schema.String })
export const Allowed = Fact.kind("Allowed", { schema: Address, id: ({ url }) => url })
const Forbidden = Fact.kind("Forbidden", { schema: Address, id: ({ url }) => url })

/** An address that will be fetched. There are never more of them than `maxPages`. */
export const Ticket = Fact.kind("Ticket", { schema: Address, id: ({ url }) => url })

const Page = Fact.kind("Page", {
  schema: Schema.Struct({ url: Schema.String, address: Schema.String, links: Schema.Array(Schema.String) }),
  id: ({ url }) => url
})
const Redirect = Fact.kind("Redirect", {
  schema: Schema.Struct({ from: Schema.String, to: Schema.String }),
  id: ({ from }) => from
})
const Missing = Fact.kind("Missing", {
  schema: Schema.Struct({ url: Schema.String, status: Schema.Int }),
  id: ({ url }) => url
})

/** A page by the address that it gives itself, with all addresses under which it was found. */
const Document = Fact.kind("Document", {
  schema: Schema.Struct({ address: Schema.String, urls: Schema.Array(Schema.String) }),
  id: ({ address }) => address,
  conflict: Fact.union("urls")
})
const Pages = Fact.kind("Pages", {
  schema: Schema.Struct({ origin: Schema.String, count: Schema.Int }),
  id: ({ origin }) => origin,
  conflict: "keepLast"
})

/** A host that cannot answer at the moment. Asking again may help. */
export class Busy extends Schema.TaggedError<Busy>()("Busy", { url: Schema.String, status: Schema.Int }) {}

const again = Schedule.exponential("50 millis").pipe(Schedule.upTo({ times: 2 }))

/** The answer of a host, whatever its status, unless the host is too busy to give one. */
const ask = (url: string) =>
  Effect.gen(function* () {
    const response = yield* HttpClient.get(url)
    if (response.status === 429 || response.status >= 500) return yield* new Busy({ url, status: response.status })
    return response
  })

const hosts = Agent.make("hosts", {
  each: Url,
  writes: [Host],
  execute: ({ value }) => Effect.succeed({ facts: [Host.of({ origin: originOf(value.url) })] })
})

// A host that gives no answer forbids everything, and one without rules forbids nothing (RFC 9309).
export const robots = Agent.make("robots", {
  each: Host,
  writes: [Robots],
  execute: ({ value: { origin } }) =>
    ask(`${origin}/robots.txt`).pipe(
      Effect.flatMap((response) => (response.status === 200 ? response.text : Effect.succeed(""))),
      Effect.timeout("5 seconds"),
      Effect.retry(again),
      Effect.map(forbiddenPaths),
      Effect.catch(() => Effect.succeed(["/"])),
      Effect.map((forbidden) => ({ facts: [Robots.of({ origin, forbidden })] }))
    )
})

// An address waits here for the rules of its host, and rules for addresses: whichever comes last makes the pair.
export const admit = Agent.join("admit", {
  left: [Url, ({ url }) => originOf(url)],
  right: [Robots, ({ origin }) => origin],
  writes: [Allowed, Forbidden],
  execute: ({ value: { depth, url } }, rules, view) => {
    if (isForbidden(url, rules.value.forbidden)) return { facts: [Forbidden.of({ url })] }
    const { maxDepth } = view.input as typeof Input.Type
    // No fact says "too deep", since a shorter way may still be found, and facts are not taken back.
    return depth > maxDepth ? {} : { facts: [Allowed.of({ url })] }
  }
})

// One task for all new addresses, so that the limit is exact. With a limit in `accepts` the last cycle would go over it.
export const tickets = Agent.make("tickets", {
  reads: [Allowed, Ticket],
  writes: [Ticket],
  execute: (view) => {
    const { maxPages } = view.input as typeof Input.Type
    const left = Math.max(0, maxPages - view.size(Ticket))
    return Effect.succeed({
      facts: view
        .delta(Allowed)
        .slice(0, left)
        .map((allowed) => Ticket.of(allowed.value))
    })
  }
})

export const fetch = Agent.make("fetch", {
  each: Ticket,
  writes: [Page, Redirect, Missing],
  concurrency: { limit: 2, per: ({ value }) => originOf(value.url), gap: "20 millis" },
  timeout: "5 seconds",
  retry: again,
  // One page that cannot be had is a line in the diagnostics. A bug in this function still ends the job.
  onFailure: { error: "discard", timeout: "discard" },
  execute: ({ value: { url } }) =>
    Effect.gen(function* () {
      const response = yield* ask(url)
      const { headers, status } = response
      const to = status >= 300 && status < 400 ? normalised(headers["location"] ?? "", url) : undefined
      if (to !== undefined) return { facts: [Redirect.of({ from: url, to })] }
      if (status !== 200) return { facts: [Missing.of({ url, status })] }
      const isHtml = headers["content-type"]?.startsWith("text/html") === true
      const { address, links } = isHtml ? readPage(yield* response.text, url) : { address: url, links: [] }
      return { facts: [Page.of({ url, address, links })] }
    })
})

/** The addresses among some that are on the hosts of the crawl. */
const within = (urls: ReadonlyArray<string>, input: unknown, depth: number) => {
  const origins = new Set((input as typeof Input.Type).start.map(originOf))
  return urls.filter((url) => origins.has(originOf(url))).map((url) => Url.of({ url, depth }))
}

// A join as well: if a shorter way to the page is found later, its links come nearer, too, and no page is fetched again.
const links = Agent.join("links", {
  left: [Page, ({ url }) => url],
  right: [Url, ({ url }) => url],
  writes: [Url],
  execute: (page, { value: { depth } }, view) => ({ facts: within(page.value.links, view.input, depth + 1) })
})

// Redirects in a circle end, since every address is there once.
const follow = Agent.join("follow", {
  left: [Redirect, ({ from }) => from],
  right: [Url, ({ url }) => url],
  writes: [Url],
  execute: (redirect, { value: { depth } }, view) => ({ facts: within([redirect.value.to], view.input, depth) })
})

const documents = Agent.make("documents", {
  each: Page,
  writes: [Document],
  execute: ({ value: { address, url } }) => Effect.succeed({ facts: [Document.of({ address, urls: [url] })] })
})

const pages = Agent.fold("pages", {
  over: Document,
  by: ({ address }) => originOf(address),
  into: Pages,
  aggregate: Fold.count(),
  as: (origin, count) => ({ origin, count })
})

export const crawl = Program.make("crawl", {
  module: import.meta.url,
  input: Input,
  seed: ({ start }) => start.flatMap((url) => normalised(url) ?? []).map((url) => Url.of({ url, depth: 0 })),
  agents: [hosts, robots, admit, tickets, fetch, links, follow, documents, pages],
  budget: { maxDuration: "10 minutes", maxFacts: 200_000 },
  output: (view) => ({
    documents: view.all(Document).map(({ id }) => id),
    pages: Object.fromEntries(view.all(Pages).map(({ value }) => [value.origin, value.count])),
    forbidden: view.all(Forbidden).map(({ id }) => id),
    missing: view.all(Missing).map(({ id }) => id),
    /** Addresses that were left because of `maxPages`. */
    left: view.size(Allowed) - view.size(Ticket)
  })
})
