/** The example of docs/examples/crawler, on sites of its own: its agents alone, the whole, and its promises. */
import { describe, expect, it } from "@effect/vitest"
import { Engine, Program } from "effect-converge"
import { Testing } from "effect-converge/testing"
import * as Effect from "effect/Effect"
import * as TestClock from "effect/testing/TestClock"
import {
  admit,
  Allowed,
  crawl,
  fetch,
  Host,
  Robots,
  robots,
  Ticket,
  tickets,
  Url
} from "../../../docs/examples/crawler/program.ts"
import { forbiddenPaths, isForbidden, normalised, readPage } from "../../../docs/examples/crawler/web.ts"
import { node } from "../../support/node.ts"
import { lookUntil } from "../../support/until.ts"
import { nothing, page, redirect, site } from "./site.ts"
import { clientOf, type StandIn, standIn, table } from "./standIn.ts"

const inputOf = (
  sites: ReadonlyArray<StandIn>,
  options?: { readonly maxDepth?: number; readonly maxPages?: number }
): Program.Program.Input<typeof crawl> => ({
  start: sites.map(({ origin }) => `${origin}/`),
  maxDepth: options?.maxDepth ?? 9,
  maxPages: options?.maxPages ?? 100
})

/** A crawl by the clock of the test, for gaps and retries. */
const run = (sites: ReadonlyArray<StandIn>, options?: Parameters<typeof inputOf>[1]) =>
  Effect.provide(Engine.run(crawl, inputOf(sites, options)), [Testing.layer({ clock: "caller" }), clientOf(...sites)])

describe("an agent of the crawler", () => {
  const shop = table("shop", {
    "/robots.txt": { body: "User-agent: *\nDisallow: /private" },
    "/": page(["/a", "/b"], "/home"),
    "/old": redirect("/new"),
    "/busy": { status: 503 }
  })
  const url = (path: string) => `${shop.origin}${path}`
  const onShop = Effect.provide(clientOf(shop))

  it.effect("fetches a page, a redirect, and what is not there", () =>
    Effect.gen(function* () {
      const fetched = (path: string) =>
        Effect.map(Testing.execute(fetch, { each: Ticket.of({ url: url(path) }) }), ({ facts }) => facts[0])
      expect(yield* fetched("/")).toMatchObject({
        kind: "Page",
        value: { address: url("/home"), links: [url("/a"), url("/b")] }
      })
      expect(yield* fetched("/old")).toMatchObject({ kind: "Redirect", value: { to: url("/new") } })
      expect(yield* fetched("/none")).toMatchObject({ kind: "Missing", value: { status: 404 } })
    }).pipe(onShop)
  )

  it.effect("leaves out a page whose host is busy, with its typed error", () =>
    Effect.gen(function* () {
      const error = yield* Effect.flip(Testing.execute(fetch, { each: Ticket.of({ url: url("/busy") }) }))
      expect(error).toMatchObject({ reason: "AgentFailed", agent: "fetch", error: { _tag: "Busy", status: 503 } })
    }).pipe(onShop)
  )

  it.live("reads the rules of a host, and takes one that does not answer for a host that forbids all", () =>
    Effect.gen(function* () {
      const rules = (origin: string) =>
        Effect.map(Testing.execute(robots, { each: Host.of({ origin }) }), ({ facts }) => facts[0]?.value.forbidden)
      expect(yield* rules(shop.origin)).toEqual(["/private"])
      expect(yield* rules("http://down.example")).toEqual(["/"])
    }).pipe(onShop)
  )

  it.effect("admits addresses by the rules and the depth, and hands out as many tickets as there may be", () =>
    Effect.gen(function* () {
      const input = inputOf([shop], { maxDepth: 1, maxPages: 2 })
      const addresses = [
        { url: url("/a"), depth: 1 },
        { url: url("/deep"), depth: 2 },
        { url: url("/private/b"), depth: 1 }
      ]
      const rules = Robots.of({ origin: shop.origin, forbidden: ["/private"] })
      const admitted = yield* Testing.execute(admit, {
        input,
        facts: [...addresses.map((each) => Url.of(each)), rules]
      })
      expect(admitted.facts.map(({ id, kind }) => `${kind} ${id}`)).toEqual([
        `Allowed ${url("/a")}`,
        `Forbidden ${url("/private/b")}`
      ])
      const facts = ["/a", "/b", "/c"].map((path) => Allowed.of({ url: url(path) }))
      const given = yield* Testing.execute(tickets, { input, facts: [Ticket.of({ url: url("/") }), ...facts] })
      expect(given.facts.map(({ id }) => id)).toEqual([url("/a")])
    })
  )
})

describe("the crawler", () => {
  it("has no likely mistake that the runtime knows of", () => {
    expect(Program.warnings(crawl)).toEqual([])
  })

  it.live("finds every page once, under the address that the page gives itself, and counts pages by host", () =>
    Effect.gen(function* () {
      const shop = table("shop", {
        "/": page(["/a?b=2&a=1", "/a?a=1&b=2#part", "/print", "mailto:ada@example.org", "/gone"]),
        "/a?a=1&b=2": page(["/"]),
        "/print": page(["/"], "/a?a=1&b=2&utm_source=print")
      })
      const blog = table("blog", { "/": page([`${shop.origin}/a?a=1&b=2`, "https://elsewhere.example/"]) })
      const { context, diagnostics, output } = yield* run([shop, blog])
      expect(output).toEqual({
        documents: [`${shop.origin}/`, `${blog.origin}/`, `${shop.origin}/a?a=1&b=2`],
        pages: { [shop.origin]: 2, [blog.origin]: 1 },
        forbidden: [],
        missing: [`${shop.origin}/gone`],
        left: 0
      })
      expect(context.find("Document", `${shop.origin}/a?a=1&b=2`)?.value).toMatchObject({
        urls: [`${shop.origin}/a?a=1&b=2`, `${shop.origin}/print`]
      })
      expect(shop.asked.toSorted()).toEqual(["/", "/a?a=1&b=2", "/gone", "/print"])
      expect(diagnostics).toEqual([])
    })
  )

  it.live("asks for robots rules first, and leaves alone what they forbid, however it is reached", () =>
    Effect.gen(function* () {
      const shop = table("shop", {
        "/robots.txt": {
          body: "User-agent: someone\nDisallow: /\n\nUser-agent: *\nDisallow: /private # ours\nDisallow:\n"
        },
        "/": page(["/private/salaries", "/public", "/hop"]),
        "/public": page([]),
        "/hop": redirect("/private/door")
      })
      const { output } = yield* run([shop])
      expect(output).toMatchObject({
        documents: [`${shop.origin}/`, `${shop.origin}/public`],
        forbidden: [`${shop.origin}/private/salaries`, `${shop.origin}/private/door`]
      })
      expect(shop.asked.filter((path) => path.startsWith("/private"))).toEqual([])
    })
  )

  it.live("follows redirects at the depth of the page, and gets out of a circle of them", () =>
    Effect.gen(function* () {
      const shop = table("shop", {
        "/": page(["/old", "/round"]),
        "/old": redirect("/new"),
        "/new": page(["/deep"]),
        "/deep": page(["/deeper"]),
        "/round": redirect("/about"),
        "/about": redirect("/round")
      })
      const { context, output } = yield* run([shop], { maxDepth: 2 })
      expect(output.documents).toEqual(["/", "/new", "/deep"].map((path) => shop.origin + path))
      expect(context.find("Url", `${shop.origin}/new`)?.value).toMatchObject({ depth: 1 })
      expect(context.find("Url", `${shop.origin}/deeper`)?.value).toMatchObject({ depth: 3 })
      expect(shop.asked).not.toContain("/deeper")
    })
  )

  it.live("takes the shorter way to a page when it is found late, and fetches nothing twice", () =>
    Effect.gen(function* () {
      const shop = table("shop", {
        "/": page(["/1", "/hop1"]),
        "/1": page(["/2"]),
        "/2": page(["/3"]),
        "/3": page([]),
        "/hop1": redirect("/hop2"),
        "/hop2": redirect("/hop3"),
        "/hop3": redirect("/2")
      })
      const { context } = yield* run([shop], { maxDepth: 2 })
      // By way of /1 it is two steps to /2, and three to /3. The redirects are slower, and nearer by one.
      expect(context.find("Url", `${shop.origin}/2`)?.value).toMatchObject({ depth: 1 })
      expect(shop.asked.toSorted()).toEqual(["/", "/1", "/2", "/3", "/hop1", "/hop2", "/hop3"])
    })
  )

  it.live("fetches no more than the limit of pages, to the page", () =>
    Effect.gen(function* () {
      const shop = standIn("shop", (path) =>
        path === "/robots.txt"
          ? nothing
          : page(Array.from({ length: 10 }, (_, n) => `${path === "/" ? "" : path}/${n}`))
      )
      const { context, output } = yield* run([shop], { maxPages: 14 })
      expect(context.size(Ticket)).toBe(14)
      expect(shop.asked).toHaveLength(14)
      expect(output.left).toBe(context.size(Url) - 14)
    })
  )

  it.effect("keeps its pace for each host, by a clock that the test moves", () =>
    Effect.gen(function* () {
      const links = Array.from({ length: 6 }, (_, n) => `/${n}`)
      const [shop, blog] = ["shop", "blog"].map((name) =>
        standIn(name, (path) => (path === "/" ? page(links) : nothing))
      )
      const sites = [shop!, blog!]
      const job = yield* Effect.provide(Testing.start(crawl, inputOf(sites)), clientOf(...sites))
      const counts = Effect.sync(() => sites.map(({ asked }) => asked.length))
      // Each host is asked once in 20 ms, and both side by side.
      for (let pages = 1; pages <= 7; pages++) {
        yield* lookUntil(counts, (each) => each.every((count) => count >= pages))
        yield* TestClock.adjust("19 millis")
        expect(yield* counts).toEqual([pages, pages])
        yield* TestClock.adjust("1 millis")
      }
      yield* job.result
    }).pipe(Effect.provide(Testing.layer()))
  )

  it.live("goes on without a page or a host that fails, and says which", () =>
    Effect.gen(function* () {
      const shop = standIn("shop", (path, times) => {
        if (path === "/robots.txt") return nothing
        if (path === "/") return page(["/shaky", "/broken", "/fine"])
        if (path === "/shaky") return times < 3 ? { status: 503 } : page([])
        return path === "/fine" ? page([]) : { status: 500 }
      })
      const down = standIn("down", () => ({ status: 503 }))
      const { diagnostics, output } = yield* run([shop, down])
      expect(output.documents).toEqual([`${shop.origin}/`, `${shop.origin}/shaky`, `${shop.origin}/fine`])
      // A host whose rules cannot be had is not asked for anything else.
      expect(output.forbidden).toEqual([`${down.origin}/`])
      expect(down.asked).toEqual([])
      expect(diagnostics.map(({ agent, cause, each }) => ({ agent, each: each?.id, tag: cause._tag }))).toEqual([
        { agent: "fetch", each: `${shop.origin}/broken`, tag: "AgentFailed" }
      ])
      expect(diagnostics[0]?.cause).toMatchObject({ error: { _tag: "Busy", status: 500 } })
      expect(shop.asked.filter((path) => path === "/broken")).toHaveLength(3)
    })
  )

  it.live("ends when its budget is spent, with what was found by then", () =>
    Effect.gen(function* () {
      const shop = standIn("shop", (path) => (path === "/robots.txt" ? nothing : page([`${path}x`])))
      const input = inputOf([shop], { maxDepth: 1_000, maxPages: 1_000 })
      const error = yield* Effect.flip(Engine.run(crawl, input, { budget: { maxFacts: 60 } })).pipe(
        Effect.provide([Testing.layer({ clock: "caller" }), clientOf(shop)])
      )
      if (error._tag !== "BudgetExhausted") throw error
      const { documents } = Program.output(crawl, error.partial.context)
      expect(documents.length).toBeGreaterThan(5)
      expect(documents[1]).toBe(`${shop.origin}/x`)
    })
  )
})

describe("the promises of a crawl", () => {
  const shop = table("shop", {
    "/robots.txt": { body: "User-agent: *\nDisallow: /private\n" },
    "/": page(["/1", "/private", "/old"]),
    "/1": page(["/2"]),
    "/2": page(["/"]),
    "/old": redirect("/2")
  })
  const blog = table("blog", { "/": page([`${shop.origin}/2`, "/post"]), "/post": page([], "/") })
  const sites = [shop, blog]
  const input = inputOf(sites)
  const onSites = Effect.provide(clientOf(...sites))

  it.live("are the same on 0 workers and on 2, hash and all", () =>
    Effect.gen(function* () {
      const [inline, threaded] = [0, 2].map((workers) =>
        Effect.provide(Engine.run(crawl, input), Testing.layer({ workers, clock: "caller" }))
      )
      const { context, hash } = yield* inline!
      expect((yield* threaded!).hash).toBe(hash)
      expect(context.size(Url)).toBe(7)
    }).pipe(onSites)
  )

  it.live("hold in every run, and whenever the process dies", () =>
    Effect.gen(function* () {
      const { hash } = yield* Testing.deterministic(crawl, input, { orders: 2 })
      expect(yield* Testing.durable(crawl, input, { kills: 8 })).toMatchObject({ status: "converged", hash, kills: 8 })
    }).pipe(onSites)
  )

  it.live("do not depend on which host is heard of first", () =>
    Effect.gen(function* () {
      const start = sites.flatMap(({ origin }) => [`${origin}/`, `${origin}/1`])
      const { orders } = yield* Testing.confluent(crawl, { ...input, start, maxDepth: 3 }, { orders: 6 })
      expect(orders).toHaveLength(6)
    }).pipe(onSites, Effect.provide(Testing.layer({ clock: "caller" })))
  )

  it.live("hold for a crawl that answers from a recording, without a web and without waiting", () =>
    Effect.gen(function* () {
      yield* onSites(Engine.run(crawl, input, { id: "crawl" }))
      const recording = yield* Testing.recording("crawl")
      const { program } = Testing.recorded(crawl, recording)
      // The clock of this engine stands still, and there is no client.
      const again = yield* Effect.provide(Engine.run(program, input), Testing.layer())
      expect(again.hash).toBe(recording.hash)
      const { jobs } = yield* Testing.rehearse(crawl, [recording])
      expect(jobs[0]).toMatchObject({ isSame: true, isOtherwise: false })
    }).pipe(Effect.provide(Testing.layer({ clock: "caller" })))
  )
})

describe("what a crawler knows of the web", () => {
  it("has one spelling for one page", () => {
    expect(normalised("HTTP://Example.org:80/a/../b?z=1&utm_medium=x&a=2#c")).toBe("http://example.org/b?a=2&z=1")
    expect(normalised("?q", "https://example.org/a")).toBe("https://example.org/a?q=")
    expect(normalised("ftp://example.org/")).toBeUndefined()
    expect(normalised("http://")).toBeUndefined()
  })

  it("reads the rules for everybody, also where several agents share them", () => {
    const rules = "User-agent: a\nUser-agent: *\nDisallow: /x\nAllow: /\n\nUser-agent: b\nDisallow: /y"
    expect(forbiddenPaths(rules)).toEqual(["/x"])
    expect(isForbidden("http://a.example/x/1", ["/x"])).toBe(true)
    expect(isForbidden("http://a.example/y?x", ["/x"])).toBe(false)
  })

  it("reads links and the page's own address", () => {
    const html = `<link href='/own' rel=canonical><link rel="canonical" href="/own"><a href="b?x=1&amp;y=2">b</a><A HREF='/b?y=2&x=1'>`
    expect(readPage(html, "http://a.example/a/")).toEqual({
      address: "http://a.example/own",
      links: ["http://a.example/a/b?x=1&y=2", "http://a.example/b?x=1&y=2"]
    })
  })
})

describe("the example", () => {
  it.live(
    "prints what it found, from a shell",
    () =>
      Effect.gen(function* () {
        const answers = new Map([
          ["/", page(["/a", "/b"])],
          ["/a", page([])]
        ])
        const shop = yield* site((path) => answers.get(path) ?? nothing)
        const { code, stdout } = yield* Effect.promise(() => node(["docs/examples/crawler/main.ts", `${shop.origin}/`]))
        expect(code).toBe(0)
        expect(JSON.parse(stdout)).toMatchObject({ pages: { [shop.origin]: 2 }, missing: [`${shop.origin}/b`] })
      }).pipe(Effect.scoped),
    60_000
  )
})
