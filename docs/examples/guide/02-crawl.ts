/**
 * A program that converges: a crawl of a site until there is no page that it has not seen.
 */
import { Agent, Fact, Program } from "effect-converge"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"

const Url = Fact.kind("Url", { schema: Schema.Struct({ url: Schema.String }), id: ({ url }) => url })

const Page = Fact.kind("Page", {
  schema: Schema.Struct({ url: Schema.String, title: Schema.String, links: Schema.Array(Schema.String) }),
  id: ({ url }) => url
})

export class Missing extends Schema.TaggedError<Missing>()("Missing", { url: Schema.String }) {}

/** The site, as a service: a real one makes requests, that of a test has its pages in memory. */
export class Site extends Context.Service<
  Site,
  {
    readonly read: (
      url: string
    ) => Effect.Effect<{ readonly title: string; readonly links: ReadonlyArray<string> }, Missing>
  }
>()("guide/Site") {}

const read = Agent.make("read", {
  each: Url,
  writes: [Page],
  execute: ({ value: { url } }) =>
    Effect.gen(function* () {
      const site = yield* Site
      const { links, title } = yield* site.read(url)
      return { facts: [Page.of({ url, title, links })] }
    })
})

// A page leads to further URLs. A URL that is known already adds nothing: that is why the crawl ends.
const follow = Agent.make("follow", {
  each: Page,
  writes: [Url],
  execute: ({ value: { links } }) => Effect.succeed({ facts: [...new Set(links)].map((url) => Url.of({ url })) })
})

export const crawl = Program.make("crawl", {
  input: Schema.Struct({ start: Schema.String }),
  seed: ({ start }) => [Url.of({ url: start })],
  agents: [read, follow],
  output: (view) => view.all(Page).map(({ value }) => `${value.url}: ${value.title}`)
})
