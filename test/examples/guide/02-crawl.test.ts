/** The example of chapter 2 of the guide. */
import { describe, expect, it } from "@effect/vitest"
import { Engine, Provenance } from "effect-converge"
import * as Effect from "effect/Effect"
import { crawl, Missing, Site } from "../../../docs/examples/guide/02-crawl.ts"

const pages: Readonly<Record<string, { readonly title: string; readonly links: ReadonlyArray<string> }>> = {
  "/": { title: "Home", links: ["/a", "/b"] },
  "/a": { title: "A", links: ["/", "/b"] },
  "/b": { title: "B", links: ["/c"] },
  "/c": { title: "C", links: [] }
}

const site = Site.of({
  read: (url) => {
    const page = pages[url]
    return page === undefined ? Effect.fail(new Missing({ url })) : Effect.succeed(page)
  }
})

const run = (start: string) =>
  Engine.run(crawl, { start }).pipe(Effect.provideService(Site, site), Effect.provide(Engine.layerMemory))

describe("a crawl", () => {
  it.effect("ends when there is no page that it has not seen, although pages link in circles", () =>
    Effect.gen(function* () {
      const { context, cycles, output } = yield* run("/")
      expect(output).toEqual(["/: Home", "/a: A", "/b: B", "/c: C"])
      expect({ cycles, counts: context.counts() }).toEqual({ cycles: 7, counts: { Page: 4, Url: 4 } })
      const tree = Provenance.explain(context, { kind: "Page", id: "/c" })
      expect(tree === undefined ? "" : Provenance.format(tree)).toBe(
        [
          "Page//c  (read, cycle 5)",
          "└─ Url//c  (follow, cycle 4)",
          "   └─ Page//b  (read, cycle 3)",
          "      └─ Url//b  (follow, cycle 2)",
          "         └─ Page//  (read, cycle 1)",
          "            └─ Url//  (seed, cycle 0)"
        ].join("\n")
      )
    })
  )

  it.effect("fails with the agent's own error for a page that is missing", () =>
    Effect.gen(function* () {
      const error = yield* Effect.flip(run("/nowhere"))
      expect(error).toMatchObject({ _tag: "AgentFailed", agent: "read", cycle: 1, error: { url: "/nowhere" } })
    })
  )
})
