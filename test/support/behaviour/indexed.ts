/** A program whose agents look facts up by key, on fibers and on worker threads, while facts are revised and pruned. */
import * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"
import { Agent, Fact, Program } from "../../../src/index.ts"

export const Page = Fact.kind("Page", {
  schema: Schema.Struct({ path: Schema.String, links: Schema.Array(Schema.String), size: Schema.Int }),
  id: ({ path }) => path,
  conflict: "keepLast",
  retention: { latest: 6 },
  indexes: {
    link: ({ links }) => links,
    folder: ({ path }) => path.split("/")[0] ?? "",
    isLarge: ({ size }) => size > 10
  }
})

export const Seen = Fact.kind("Seen", {
  schema: Schema.Struct({ by: Schema.String, cycle: Schema.Int, paths: Schema.Array(Schema.String) }),
  id: ({ by, cycle }) => `${by} ${cycle}`,
  conflict: "keepLast"
})

const paths = (facts: ReadonlyArray<Fact.FactOf<typeof Page>>) => facts.map(({ id, value }) => `${id} ${value.size}`)

export const indexed = Program.make("indexed", {
  module: import.meta.url,
  input: Schema.Struct({ cycles: Schema.Int }),
  seed: () => [
    Page.of({ path: "a/1", links: ["b/1", "b/2"], size: 1 }),
    Page.of({ path: "b/1", links: ["a/1"], size: 20 })
  ],
  agents: [
    Agent.make("writes", {
      accepts: (view) => view.cycle <= 6,
      writes: [Page],
      execute: ({ cycle }) =>
        Effect.succeed({
          facts: [
            Page.of({ path: `a/${cycle % 3}`, links: [`b/${cycle % 2}`, "b/1", "b/1"], size: cycle * 3 }),
            Page.of({ path: `b/${cycle}`, links: [], size: cycle })
          ]
        })
    }),
    Agent.cpu("on-workers", {
      reads: [Page],
      writes: [Seen],
      execute: (view) => ({
        facts: [
          Seen.of({ by: "links", cycle: view.cycle, paths: paths(view.by(Page, "link", "b/1")) }),
          Seen.of({ by: "large", cycle: view.cycle, paths: paths(view.by(Page, "isLarge", true)) })
        ]
      })
    }),
    Agent.make("on-fibers", {
      reads: [Page],
      writes: [Seen],
      execute: (view) =>
        Effect.succeed({
          facts: [Seen.of({ by: "folder", cycle: view.cycle, paths: paths(view.by(Page, "folder", "a")) })]
        })
    })
  ],
  output: (view) => ({
    seen: view.all(Seen).map(({ value }) => value),
    links: view.by(Page, "link", "b/1").map(({ id }) => id)
  })
})
