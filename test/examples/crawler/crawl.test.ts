/** The example of docs/examples/crawler, on sites of its own. */
import * as NodeHttpClient from "@effect/platform-node/NodeHttpClient"
import { describe, expect, it } from "@effect/vitest"
import { Engine, JobStore, Program, WorkerPool } from "effect-converge"
import { Testing } from "effect-converge/testing"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import { crawl, Ticket, Url } from "../../../docs/examples/crawler/program.ts"
import { forbiddenPaths, isForbidden, normalised, readPage } from "../../../docs/examples/crawler/web.ts"
import { node } from "../../support/node.ts"
import { type Answer, nothing, page, redirect, type Site, site } from "./site.ts"

const engineOn = (size: number) =>
  Engine.layer().pipe(
    Layer.provide([WorkerPool.layer({ size }), JobStore.layerMemoryJournal]),
    Layer.provideMerge(NodeHttpClient.layerUndici)
  )

/** A site as a table of its paths. */
const table = (answers: Readonly<Record<string, Answer>>) => site((path) => answers[path] ?? nothing)

const run = (sites: ReadonlyArray<Site>, options?: { readonly maxDepth?: number; readonly maxPages?: number }) =>
  Engine.run(crawl, {
    start: sites.map(({ origin }) => `${origin}/`),
    maxDepth: options?.maxDepth ?? 9,
    maxPages: options?.maxPages ?? 100
  })

describe("the crawler", () => {
  it("has no likely mistake that the runtime knows of", () => {
    expect(Program.warnings(crawl)).toEqual([])
  })

  it.live("finds every page once, under the address that the page gives itself, and counts pages by host", () =>
    Effect.gen(function* () {
      const shop = yield* table({
        "/": page(["/a?b=2&a=1", "/a?a=1&b=2#part", "/print", "mailto:ada@example.org", "/gone"]),
        "/a?a=1&b=2": page(["/"]),
        "/print": page(["/"], "/a?a=1&b=2&utm_source=print")
      })
      const blog = yield* table({ "/": page([`${shop.origin}/a?a=1&b=2`, "https://elsewhere.example/"]) })
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
    }).pipe(Effect.scoped, Effect.provide(engineOn(0)))
  )

  it.live("asks for robots rules first, and leaves alone what they forbid, however it is reached", () =>
    Effect.gen(function* () {
      const shop = yield* table({
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
    }).pipe(Effect.scoped, Effect.provide(engineOn(0)))
  )

  it.live("follows redirects at the depth of the page, and gets out of a circle of them", () =>
    Effect.gen(function* () {
      const shop = yield* table({
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
    }).pipe(Effect.scoped, Effect.provide(engineOn(0)))
  )

  it.live("takes the shorter way to a page when it is found late, and fetches nothing twice", () =>
    Effect.gen(function* () {
      const shop = yield* table({
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
    }).pipe(Effect.scoped, Effect.provide(engineOn(0)))
  )

  it.live("fetches no more than the limit of pages, to the page", () =>
    Effect.gen(function* () {
      const shop = yield* site((path) =>
        path === "/robots.txt"
          ? nothing
          : page(Array.from({ length: 10 }, (_, n) => `${path === "/" ? "" : path}/${n}`))
      )
      const { context, output } = yield* run([shop], { maxPages: 14 })
      expect(context.size(Ticket)).toBe(14)
      expect(shop.asked).toHaveLength(14)
      expect(output.left).toBe(context.size(Url) - 14)
    }).pipe(Effect.scoped, Effect.provide(engineOn(0)))
  )

  it.live("keeps its pace for each host", () =>
    Effect.gen(function* () {
      const links = Array.from({ length: 12 }, (_, n) => `/${n}`)
      const times: Array<number> = []
      const shop = yield* site((path) => {
        if (links.includes(path)) times.push(Date.now())
        return path === "/" ? page(links) : nothing
      })
      yield* run([shop])
      expect(times).toHaveLength(12)
      // Eleven gaps of 20 ms, but for what the first request was late.
      expect(times.at(-1)! - times[0]!).toBeGreaterThan(9 * 20)
    }).pipe(Effect.scoped, Effect.provide(engineOn(0)))
  )

  it.live("goes on without a page or a host that fails, and says which", () =>
    Effect.gen(function* () {
      const shop = yield* site((path, times) => {
        if (path === "/robots.txt") return nothing
        if (path === "/") return page(["/shaky", "/broken", "/fine"])
        if (path === "/shaky") return times < 3 ? { status: 503 } : page([])
        return path === "/fine" ? page([]) : { status: 500 }
      })
      const down = yield* site(() => ({ status: 503 }))
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
    }).pipe(Effect.scoped, Effect.provide(engineOn(0)))
  )

  it.live("ends when its budget is spent, with what was found by then", () =>
    Effect.gen(function* () {
      const shop = yield* site((path) => (path === "/robots.txt" ? nothing : page([`${path}x`])))
      const input = { start: [`${shop.origin}/`], maxDepth: 1_000, maxPages: 1_000 }
      const error = yield* Effect.flip(Engine.run(crawl, input, { budget: { maxFacts: 60 } }))
      if (error._tag !== "BudgetExhausted") throw error
      const { documents } = Program.output(crawl, error.partial.context)
      expect(documents.length).toBeGreaterThan(5)
      expect(documents[1]).toBe(`${shop.origin}/x`)
    }).pipe(Effect.scoped, Effect.provide(engineOn(0)))
  )
})

describe("the facts of a crawl", () => {
  const web = Effect.gen(function* () {
    const shop = yield* table({
      "/robots.txt": { body: "User-agent: *\nDisallow: /private\n" },
      "/": page(["/1", "/private", "/old"]),
      "/1": page(["/2"]),
      "/2": page(["/"]),
      "/old": redirect("/2")
    })
    const blog = yield* table({ "/": page([`${shop.origin}/2`, "/post"]), "/post": page([], "/") })
    return [shop, blog]
  })

  it.live("are the same on 0 workers and on 2, hash and all", () =>
    Effect.gen(function* () {
      const sites = yield* web
      const inline = yield* Effect.provide(run(sites), engineOn(0))
      const threaded = yield* Effect.provide(run(sites), engineOn(2))
      expect(threaded.hash).toBe(inline.hash)
      expect(inline.context.size(Url)).toBe(7)
    }).pipe(Effect.scoped)
  )

  it.live("do not depend on which host is heard of first", () =>
    Effect.gen(function* () {
      const sites = yield* web
      const start = sites.flatMap(({ origin }) => [`${origin}/`, `${origin}/1`])
      const { orders } = yield* Testing.confluent(crawl, { start, maxDepth: 3, maxPages: 100 }, { orders: 6 })
      expect(orders).toHaveLength(6)
    }).pipe(Effect.scoped, Effect.provide(engineOn(0)))
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
        const shop = yield* table({ "/": page(["/a", "/b"]), "/a": page([]) })
        const { code, stdout } = yield* Effect.promise(() => node(["docs/examples/crawler/main.ts", `${shop.origin}/`]))
        expect(code).toBe(0)
        expect(JSON.parse(stdout)).toMatchObject({ pages: { [shop.origin]: 2 }, missing: [`${shop.origin}/b`] })
      }).pipe(Effect.scoped),
    60_000
  )
})
