/**
 * Types of kinds that are classes, of ids with brands and of references. Checked by `tsc`, never run: a line under
 * `@ts-expect-error` that compiles is an error.
 */
import * as Effect from "effect/Effect"
import type * as Option from "effect/Option"
import * as Schema from "effect/Schema"
import {
  Agent,
  type AgentEffect,
  Engine,
  Fact,
  Fold,
  Intent,
  Invariant,
  type Job,
  type JobContext,
  Program,
  Provenance,
  type View
} from "../../src/index.ts"
import type { Assert, Same } from "./assert.ts"

const UrlId = Schema.String.pipe(Schema.brand("UrlId"))
type UrlId = typeof UrlId.Type
const PageId = Schema.String.pipe(Schema.brand("PageId"))
type PageId = typeof PageId.Type

class Url extends Fact.Kind("Url", {
  schema: Schema.Struct({ url: UrlId, depth: Schema.Finite }),
  id: ({ url }) => url,
  indexes: { depth: ({ depth }) => depth }
}) {}
class Page extends Fact.Kind("Page", {
  schema: Schema.Struct({ url: Schema.String, text: Schema.String }),
  id: ({ url }) => url,
  conflict: "keepLast"
}) {
  static readonly empty = Page.of({ url: "", text: "" })
}
/** A kind of the same shape as `Page`. */
class Copy extends Fact.Kind("Copy", {
  schema: Schema.Struct({ url: Schema.String, text: Schema.String }),
  id: ({ url }) => `${url}/copy`
}) {}

declare const view: View.View<typeof Url | typeof Page>
declare const context: JobContext.JobContext
declare const urlId: UrlId
declare const pageId: PageId
declare const url: Url

/* ---------------------------------------------------------------- the name is the type of the values */

const allPages = () => view.all(Page)
const urlOf = () => view.get(Url, urlId)
const byDepth = () => view.by(Url, "depth", 1)
const inContext = () => context.all(Page)
const proposed = () => Url.of({ url: urlId, depth: 1 })

export type Names = [
  Assert<Same<(typeof Url)["name"], "Url">>,
  Assert<Same<Fact.Kind.Value<typeof Url>, Url>>,
  Assert<Same<Fact.FactOf<typeof Page>, Fact.Fact<"Page", Page>>>,
  Assert<Same<Fact.FactOf<typeof Url>, Fact.BrandedFact<"Url", Url, UrlId>>>,
  Assert<Same<Fact.ProposalOf<typeof Page>, Fact.Proposal<"Page", Page>>>,
  Assert<Same<Fact.ProposalOf<typeof Page | typeof Copy>, Fact.Proposal<"Page", Page> | Fact.Proposal<"Copy", Copy>>>,
  Assert<Same<ReturnType<typeof allPages>, ReadonlyArray<Fact.Fact<"Page", Page>>>>,
  Assert<Same<ReturnType<typeof urlOf>, Option.Option<Fact.BrandedFact<"Url", Url, UrlId>>>>,
  Assert<Same<ReturnType<typeof byDepth>, ReadonlyArray<Fact.BrandedFact<"Url", Url, UrlId>>>>,
  Assert<Same<ReturnType<typeof inContext>, ReadonlyArray<Fact.Fact<"Page", Page>>>>,
  Assert<Same<ReturnType<typeof proposed>, Fact.Proposal<"Url", Url>>>,
  Assert<Same<Fact.Kind.Keys<typeof Url>, { depth: number }>>,
  Assert<Same<typeof Page.empty, Fact.Proposal<"Page", Page>>>
]

// A value is plain data: what has its fields is one.
export const plain: Url = { url: urlId, depth: 1 }
export const mapped: ReadonlyArray<Fact.ProposalOf<typeof Url>> = [plain].map(Url.of)
export const effectful: Effect.Effect<Fact.ProposalOf<typeof Url>> = Effect.map(Effect.succeed(plain), Url.of)
export const reasoned: Fact.ProposalOf<typeof Page> = Page.of({ url: "", text: "" }, { because: [...allPages()] })
// @ts-expect-error: values are plain data
export const made = new Url()
// @ts-expect-error: not even of a value
export const madeOf = new Url(plain)
declare const something: { readonly url: string }
// @ts-expect-error: no value is an instance
export const isUrl = something instanceof Url
// @ts-expect-error: a field of another type
Url.of({ url: urlId, depth: "1" })
// @ts-expect-error: a field is missing
Page.of({ url: "a" })
// @ts-expect-error: a field too many
Page.of({ url: "a", text: "", more: 1 })
// @ts-expect-error: values are read-only
url.depth = 2
// @ts-expect-error: what `Fact.kind` gives is no class
class FromKind extends Fact.kind("K", { schema: Schema.Struct({}), id: () => "" }) {}
// @ts-expect-error: `Fact.Kind` is called
class Uncalled extends Fact.Kind {}
// @ts-expect-error: a kind needs a name
class Unnamed extends Fact.Kind({ schema: Schema.Struct({}), id: () => "" }) {}
// @ts-expect-error: a union has no class
class Either extends Fact.Kind("Either", {
  schema: Schema.Union([Schema.Struct({ a: Schema.String }), Schema.Struct({ b: Schema.String })]),
  id: () => ""
}) {}
export const notClasses = [FromKind, Uncalled, Unnamed, Either]

/* No value has members that a class adds, and no type says so. */
class Extended extends Fact.Kind("Extended", { schema: Schema.Struct({ url: Schema.String }), id: ({ url }) => url }) {
  readonly host: string = ""
}
export type Members = Assert<Same<Fact.Kind.Value<typeof Extended>, { readonly url: string }>>
// @ts-expect-error: there is no such value
Extended.of({ url: "" })

/* ---------------------------------------------------------------- a class is a kind, wherever one is asked for */

const Fetch = Intent.kind("Fetch", { payload: Schema.Struct({ url: Schema.String }), answers: [Page] })
const fetch = Agent.make("fetch", {
  each: Url,
  reads: [Page],
  writes: [Page],
  intents: [Fetch],
  execute: (fact, all) =>
    Effect.succeed({
      facts: all.all(Page).map(({ id }) => Page.of({ url: id, text: fact.value.url })),
      intents: [Fetch.of({ url: fact.id })],
      evaluations: [{ fact: Url.ref(fact.id), score: 1, reason: "" }]
    })
})
const meet = Agent.join("meet", {
  left: [Url, (value) => value.url],
  right: [Page, (value) => UrlId.make(value.url)],
  writes: [Copy],
  execute: (left, right) => ({ facts: [Copy.of({ url: left.id, text: right.value.text })] })
})
const total = Agent.fold("total", {
  over: Url,
  by: (value) => value.url,
  into: Page,
  aggregate: Fold.sum(Url, ({ depth }) => depth),
  as: (key, sum) => ({ url: key, text: String(sum) })
})
const cpu = Agent.cpu("cpu", { reads: [Page, Copy], execute: (all) => ({ trace: all.delta(Copy)[0]?.value.text }) })
const program = Program.make("program", {
  module: import.meta.url,
  input: Schema.Struct({}),
  agents: [fetch, meet, total, cpu],
  signals: [Url],
  seed: () => [Url.of(plain), Page.empty],
  invariants: [
    Invariant.structural("few", (all) => ({ reason: "", facts: all.all(Url).map(({ id }) => Url.ref(id)) })),
    Invariant.semantic("some", (all) => all.size(Page) > 0, { reads: [Page] })
  ],
  output: (all) => all.all(Url)
})
export const answers = Engine.handler(Fetch, () => Effect.succeed([Page.of({ url: "", text: "" })]))
// @ts-expect-error: another kind does not answer
Engine.handler(Fetch, () => Effect.succeed([Copy.of({ url: "", text: "" })]))
declare const job: Job.Job<typeof program>
export const signalled = job.signal([Url.of(plain)])
// @ts-expect-error: another kind is no signal
void job.signal([Page.empty])

export type Used = [
  Assert<
    Same<typeof fetch, Agent.Agent<"fetch", typeof Page | typeof Url, typeof Page, never, Intent.Handler<"Fetch">>>
  >,
  Assert<Same<Program.Program.Kinds<typeof program>, typeof Url | typeof Page | typeof Copy>>,
  Assert<Same<Program.Program.Output<typeof program>, ReadonlyArray<Fact.BrandedFact<"Url", Url, UrlId>>>>
]
Agent.make("a", {
  writes: [Page],
  // @ts-expect-error: of the same shape, but of another kind
  execute: () => Effect.succeed({ facts: [Copy.of({ url: "", text: "" })] })
})
// @ts-expect-error: a kind that the view does not show
view.all(Copy)

/** A function of any kind of a name and a value takes a class. */
const nameOf = <const Name extends string, T>(kind: Fact.Kind<Name, T>): Name => kind.name
export type Generic = Assert<Same<ReturnType<typeof nameOf<"Page", Page>>, "Page">>
export const names = [nameOf(Url) satisfies "Url", nameOf(Page) satisfies "Page"]
export const asKind: Fact.Kind<"Page", Page> = Page
// @ts-expect-error: a kind of one name is no kind of another, though their values look alike
export const asOther: Fact.Kind<"Page", Page> = Copy

/* ---------------------------------------------------------------- ids with a brand */

const Branded = Fact.kind("Branded", { schema: Schema.Struct({ id: PageId }), id: ({ id }) => id })
const Literal = Fact.kind("Literal", { schema: Schema.Struct({}), id: () => "only" })
declare const other: View.View<typeof Branded | typeof Literal | typeof Page>

export type Ids = [
  Assert<Same<Fact.FactOf<typeof Url>["id"], UrlId>>,
  Assert<Same<Fact.FactOf<typeof Page>["id"], string>>,
  Assert<Same<Fact.FactOf<typeof Branded>, Fact.BrandedFact<"Branded", { readonly id: PageId }, PageId>>>,
  Assert<Same<Fact.Kind.Id<typeof Branded>, PageId>>,
  // Text that has no brand is a string, whatever else is known of it.
  Assert<Same<Fact.Kind.Id<typeof Literal>, string>>,
  Assert<Same<Fact.Kind.Id<typeof Copy>, string>>
]
view.get(Url, urlId)
// @ts-expect-error: a text without a brand
view.get(Url, "a")
// @ts-expect-error: the brand of another kind's ids
view.get(Url, pageId)
// @ts-expect-error: in a context, too
context.get(Url, "a")
other.get(Branded, pageId)
// @ts-expect-error: a kind that `Fact.kind` made, too
other.get(Branded, "a")
other.get(Literal, "any text")
// A brand is a text.
view.get(Page, urlId)
export const forgotten: Fact.Kind<"Branded", { readonly id: PageId }> = Branded
export const anyFact: Fact.Fact<"Url", Url> = allUrls()[0]!
function allUrls() {
  return view.all(Url)
}

/* ---------------------------------------------------------------- references */

const urlRef = () => Url.ref(urlId)
const pageRef = () => Page.ref("a")
export type Refs = [
  Assert<Same<ReturnType<typeof urlRef>, Fact.FactRef<"Url", UrlId>>>,
  Assert<Same<ReturnType<typeof pageRef>, Fact.FactRef<"Page", string>>>
]
// @ts-expect-error: a text without a brand
Url.ref("a")
// @ts-expect-error: the brand of another kind's ids
Branded.ref(urlId)
export const explained = Provenance.explain(context, Url.ref(urlId))
export const evaluated: AgentEffect.Evaluation = { fact: Branded.ref(pageId), score: 1, reason: "" }
export const verdict: Invariant.Verdict = { reason: "", facts: [Url.ref(urlId), Page.ref("a")] }
view.evaluations(Url.ref(urlId))
view.evaluations(allUrls()[0]!)
context.evaluations(Url.ref(urlId))
// @ts-expect-error: a reference to a kind that the view does not show
view.evaluations(Copy.ref("a"))
// @ts-expect-error: a reference that is written out has the brand, too
view.evaluations({ kind: "Url", id: "a" })
