/** Several tiers of slow agents, to look at on a terminal. */
import { Agent, Fact, Program } from "../../../src/index.ts"
import * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"

const text = Schema.Struct({ name: Schema.String })
const id = ({ name }: { readonly name: string }) => name
const Page = Fact.kind("Page", { schema: text, id })
const Link = Fact.kind("Link", { schema: text, id })
const Cluster = Fact.kind("Cluster", { schema: text, id })

const fetch = Agent.make("fetch", {
  each: Link,
  writes: [Page],
  execute: (link, view) =>
    Effect.gen(function* () {
      view.progress(`GET ${link.value.name}`)
      yield* Effect.sleep(200 + ((link.value.name.length * 97) % 1_500))
      return { facts: [Page.of({ name: link.value.name })] }
    })
})

const follow = Agent.make("follow", {
  each: Page,
  writes: [Link],
  execute: ({ value }) =>
    Effect.sync(() => {
      const depth = value.name.split("/").length
      const names = depth > 3 ? [] : Array.from({ length: 4 }, (_, n) => `${value.name}/${"x".repeat(n * 3)}${n}`)
      return { facts: names.map((name) => Link.of({ name })) }
    })
})

const cluster = Agent.make("cluster", {
  reads: [Page],
  writes: [Cluster],
  execute: (view) =>
    Effect.gen(function* () {
      yield* Effect.log("clustering begins")
      yield* Effect.sleep(1_500)
      return {
        facts: view
          .all(Page)
          .slice(0, 3)
          .map((page) => Cluster.of({ name: page.id }))
      }
    })
})

const rank = Agent.make("rank", {
  each: Cluster,
  onFailure: "discard",
  execute: ({ id }) => Effect.delay(id === "site" ? Effect.fail("not ranked") : Effect.succeed({}), 1_000)
})

export default Program.make("crawl", {
  input: Schema.Struct({}),
  seed: () => [Link.of({ name: "site" })],
  agents: [fetch, follow, cluster, rank],
  tiers: [["fetch", "follow"], ["cluster"], ["rank"]],
  output: (view) => ({
    pages: view.size(Page),
    links: view.size(Link),
    first: view
      .all(Page)
      .slice(0, 3)
      .map(({ id }) => id)
  })
})
