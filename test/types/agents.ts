/**
 * Types of agents: what they may read and write, and what is inferred. Checked by `tsc`, never run: a line under
 * `@ts-expect-error` that compiles is an error.
 */
import * as Context from "effect/Context"
import * as Data from "effect/Data"
import * as Effect from "effect/Effect"
import * as Schedule from "effect/Schedule"
import * as Schema from "effect/Schema"
import type * as Scope from "effect/Scope"
import { Agent, Fact, Fold, type View } from "../../src/index.ts"
import type { Assert, Same } from "./assert.ts"

const A = Fact.kind("A", { schema: Schema.Struct({ n: Schema.Finite }), id: (a) => String(a.n) })
const B = Fact.kind("B", { schema: Schema.Struct({ n: Schema.Finite }), id: (b) => String(b.n) })
const C = Fact.kind("C", { schema: Schema.Struct({ text: Schema.String }), id: (c) => c.text })

class Disk extends Context.Service<Disk, { readonly read: Effect.Effect<string> }>()("Disk") {}
class Delays extends Context.Service<Delays, { readonly ms: number }>()("Delays") {}
class Unreadable extends Data.TaggedError("Unreadable")<{ readonly path: string }> {}

/* ---------------------------------------------------------------- inference */

const whole = Agent.make("whole", {
  reads: [A, B],
  writes: [B, C],
  accepts: (view) => view.size(A) > 0,
  execute: (view) => Effect.succeed({ facts: view.delta(A).map((fact) => B.of({ n: fact.value.n })) })
})
const each = Agent.make("each", {
  each: A,
  reads: [B],
  writes: [C],
  execute: (fact, view) =>
    Effect.succeed({ facts: [C.of({ text: `${fact.value.n} of ${view.size(B) + view.size(A)}` })] })
})
const failing = Agent.make("failing", {
  execute: () => Effect.flatMap(Disk, (disk) => Effect.andThen(disk.read, Effect.fail(new Unreadable({ path: "x" }))))
})
const forgiven = Agent.make("forgiven", {
  onFailure: "discard",
  execute: () => Effect.andThen(Disk, Effect.fail(new Unreadable({ path: "x" })))
})
const foreseen = Agent.make("foreseen", {
  onFailure: { error: "discard", panic: "halt" },
  execute: () => Effect.andThen(Disk, Effect.fail(new Unreadable({ path: "x" })))
})
const unforeseen = Agent.make("unforeseen", {
  onFailure: { error: "halt", timeout: "discard" },
  execute: () => Effect.fail(new Unreadable({ path: "x" }))
})
declare const either: Agent.FailureRule
const undecided = Agent.make("undecided", {
  onFailure: either,
  execute: () => Effect.fail(new Unreadable({ path: "x" }))
})
const retried = Agent.make("retried", {
  execute: () => Effect.fail(new Unreadable({ path: "x" })),
  retry: Schedule.recurs(3).pipe(Schedule.addDelay(() => Effect.map(Delays, ({ ms }) => ms)))
})
const scoped = Agent.make("scoped", { execute: () => Effect.as(Effect.scope, {}) })
const cpu = Agent.cpu("cpu", {
  each: A,
  reads: [B],
  writes: [C],
  execute: (fact) => ({ facts: [C.of({ text: fact.id })] })
})
const silent = Agent.cpu("silent", { execute: () => ({}) })

export type Checks = [
  Assert<Same<typeof whole, Agent.Agent<"whole", typeof A | typeof B, typeof B | typeof C, never, never>>>,
  Assert<Same<typeof each, Agent.Agent<"each", typeof A | typeof B, typeof C, never, never>>>,
  Assert<Same<typeof failing, Agent.Agent<"failing", never, never, Unreadable, Disk>>>,
  // Its error cannot end the job; it needs its services all the same.
  Assert<Same<typeof forgiven, Agent.Agent<"forgiven", never, never, never, Disk>>>,
  Assert<Same<typeof foreseen, Agent.Agent<"foreseen", never, never, never, Disk>>>,
  // Where typed errors may end the job, the job's type says so.
  Assert<Same<typeof unforeseen, Agent.Agent<"unforeseen", never, never, Unreadable, never>>>,
  Assert<Same<typeof undecided, Agent.Agent<"undecided", never, never, Unreadable, never>>>,
  Assert<Same<typeof retried, Agent.Agent<"retried", never, never, Unreadable, Delays>>>,
  Assert<Same<typeof scoped, Agent.Agent<"scoped", never, never, never, Scope.Scope>>>,
  Assert<Same<typeof cpu, Agent.Agent<"cpu", typeof A | typeof B, typeof C, never, never>>>,
  Assert<Same<typeof silent, Agent.Agent<"silent", never, never, never, never>>>,
  Assert<Same<Agent.Agent.Kinds<typeof whole | typeof each>, typeof A | typeof B | typeof C>>,
  Assert<Same<Agent.Agent.Error<typeof whole | typeof failing>, Unreadable>>,
  Assert<Same<Agent.Agent.Services<typeof scoped | typeof failing>, Scope.Scope | Disk>>,
  // Nothing is known of an agent whose type is forgotten, rather than nothing needed.
  Assert<Same<Agent.Agent.Services<Agent.Agent.Any>, unknown>>,
  Assert<Same<Agent.Agent.Error<Agent.Agent.Any>, unknown>>
]

export const anyAgent: ReadonlyArray<Agent.Agent.Any> = [whole, each, failing, forgiven, retried, scoped, cpu, silent]

/* ---------------------------------------------------------------- writes */

Agent.make("a", {
  writes: [A],
  // @ts-expect-error: a kind that is not in writes
  execute: () => Effect.succeed({ facts: [C.of({ text: "c" })] })
})
Agent.make("a", {
  writes: [A],
  // @ts-expect-error: one of several
  execute: () => Effect.succeed({ facts: [A.of({ n: 1 }), C.of({ text: "c" })] })
})
Agent.make("a", {
  // @ts-expect-error: nothing in writes
  execute: () => Effect.succeed({ facts: [A.of({ n: 1 })] })
})
// @ts-expect-error: `each` is read, not written
Agent.make("a", { each: A, execute: () => Effect.succeed({ facts: [A.of({ n: 1 })] }) })
Agent.make("a", {
  writes: [A],
  // @ts-expect-error: of the same shape, but of another kind
  execute: () => Effect.succeed({ facts: [B.of({ n: 1 })] })
})
Agent.cpu("a", {
  writes: [A],
  // @ts-expect-error: a CPU agent too
  execute: () => ({ facts: [C.of({ text: "c" })] })
})

/* ---------------------------------------------------------------- reads */

Agent.make("a", {
  reads: [A],
  // @ts-expect-error: view.all of a kind that is not in reads
  execute: (view) => Effect.sync(() => (view.all(B), {}))
})
Agent.make("a", {
  writes: [B],
  // @ts-expect-error: written, but not read
  execute: (view) => Effect.sync(() => (view.get(B, "1"), {}))
})
Agent.make("a", {
  each: A,
  // @ts-expect-error: an agent with each sees its kind and its reads
  execute: (_, view) => Effect.sync(() => (view.size(B), {}))
})
Agent.cpu("a", {
  reads: [A],
  execute: (view) => {
    view.all(A)
    // @ts-expect-error: a CPU agent too
    view.delta(B)
    // @ts-expect-error: nor its evaluations
    view.evaluations({ kind: "B", id: "1" })
    return {}
  }
})
Agent.make("a", {
  reads: [A],
  // @ts-expect-error: accepts sees no more than execute
  accepts: (view) => view.size(B) > 0,
  execute: () => Effect.succeed({})
})

declare const narrow: View.View<typeof A>
declare const wide: View.View<typeof A | typeof B>
// A helper that needs less can be given a view of more ...
export const seesLess: View.View<typeof A> = wide
// @ts-expect-error: ... but not the other way round
export const seesMore: View.View<typeof A | typeof B> = narrow
// @ts-expect-error: what a view hands out is read-only
narrow.all(A).push(narrow.all(A)[0]!)

/* ---------------------------------------------------------------- other options */

Agent.cpu("a", {
  // @ts-expect-error: a CPU agent is a synchronous function
  execute: async () => ({})
})
Agent.cpu("a", {
  // @ts-expect-error: an Effect is no effect
  execute: () => Effect.succeed({})
})
Agent.cpu("a", {
  // @ts-expect-error: a generator is no effect
  execute: function* () {
    yield {}
  }
})
Agent.make("a", {
  // @ts-expect-error: accepts is a plain function
  accepts: async () => true,
  execute: () => Effect.succeed({})
})
Agent.make("a", {
  // @ts-expect-error: an Effect would be true
  accepts: () => Effect.succeed(false),
  execute: () => Effect.succeed({})
})
Agent.make("a", {
  // @ts-expect-error: an async function gives no Effect
  execute: async () => ({})
})
Agent.make("a", {
  // @ts-expect-error: a fiber agent returns an Effect
  execute: () => ({})
})
// @ts-expect-error: retry is for fiber agents
Agent.cpu("a", { execute: () => ({}), retry: Schedule.recurs(1) })
// @ts-expect-error: placement is for CPU agents
Agent.make("a", { execute: () => Effect.succeed({}), placement: "inline" })
// @ts-expect-error: no such placement
Agent.cpu("a", { execute: () => ({}), placement: "gpu" })
// @ts-expect-error: no such answer to failure
Agent.make("a", { execute: () => Effect.succeed({}), onFailure: "ignore" })
Agent.make("a", {
  // @ts-expect-error: no such key of an effect
  execute: () => Effect.succeed({ fact: [] })
})
Agent.make("a", {
  execute: () => Effect.fail("no"),
  // @ts-expect-error: a retry schedule takes the agent's own error
  retry: Schedule.identity<number>()
})

// @ts-expect-error: there is no such way to fail
Agent.make("a", { onFailure: { panics: "discard" }, execute: () => Effect.succeed({}) })
// @ts-expect-error: a failure is not ignored
Agent.make("a", { onFailure: { panic: "ignore" }, execute: () => Effect.succeed({}) })

/* ---------------------------------------------------------------- joins */

const joins = Agent.join("joins", {
  left: [A, (a) => String(a.n)],
  right: [C, ({ text }) => [text]],
  reads: [B],
  writes: [B],
  execute: (a, c, view) => ({
    facts: [B.of({ n: a.value.n + c.value.text.length + view.size(B) + view.size(A) + view.size(C) })]
  })
})
export type JoinChecks = [
  Assert<Same<typeof joins, Agent.Agent<"joins", typeof A | typeof B | typeof C, typeof B, never, never>>>
]
Agent.join("j", {
  left: [A, ({ n }) => n],
  // @ts-expect-error: keys of another type never meet
  right: [C, ({ text }) => text],
  execute: () => ({})
})
Agent.join("j", {
  // @ts-expect-error: a field that the values do not have
  left: [A, ({ text }) => text],
  right: [C, ({ text }) => text],
  execute: () => ({})
})
Agent.join("j", {
  left: [A, ({ n }) => n],
  right: [B, ({ n }) => n],
  // @ts-expect-error: a kind that is not in writes
  execute: (a) => ({ facts: [B.of(a.value)] })
})
Agent.join("j", {
  left: [A, ({ n }) => n],
  right: [B, ({ n }) => n],
  // @ts-expect-error: a kind that is not in reads
  execute: (_, __, view) => (view.size(C), {})
})
Agent.join("j", {
  left: [A, ({ n }) => n],
  right: [B, ({ n }) => n],
  // @ts-expect-error: execute is synchronous
  execute: async () => ({})
})

/* ---------------------------------------------------------------- folds */

const Total = Fact.kind("Total", {
  schema: Schema.Struct({ text: Schema.String, sum: Schema.Finite }),
  id: ({ text }) => text,
  conflict: "keepLast"
})
const sums = Agent.fold("sums", {
  over: C,
  by: ({ text }) => text,
  into: Total,
  aggregate: Fold.sum(C, ({ text }) => text.length),
  as: (text, sum) => ({ text, sum })
})
const counts = Agent.fold("counts", {
  over: A,
  by: (a) => a.n > 3,
  into: Total,
  aggregate: Fold.count(),
  as: (isLarge, sum) => ({ text: isLarge ? "large" : "small", sum })
})
const own = Agent.fold("own", {
  over: A,
  by: (a) => a.n > 3,
  into: Total,
  accepts: (view) => view.size(A) > view.size(Total),
  add: (total, { n }, isLarge) => ({ text: isLarge ? "large" : "small", sum: (total?.sum ?? 0) + n }),
  remove: (total, { n }) => ({ ...total, sum: total.sum - n })
})
Agent.fold("most", {
  over: C,
  by: ({ text }) => text,
  into: Total,
  aggregate: Fold.max(C, ({ text }) => text),
  as: (text, most) => ({ text, sum: most?.length ?? 0 })
})
export type FoldChecks = [
  Assert<Same<typeof sums, Agent.Agent<"sums", typeof C | typeof Total, typeof Total, never, never>>>,
  Assert<Same<typeof counts, Agent.Agent<"counts", typeof A | typeof Total, typeof Total, never, never>>>,
  Assert<Same<typeof own, Agent.Agent<"own", typeof A | typeof Total, typeof Total, never, never>>>
]
Agent.fold("f", {
  over: A,
  by: ({ n }) => n,
  into: Total,
  aggregate: Fold.count(),
  // @ts-expect-error: a total of another type
  as: (n, sum) => ({ text: n, sum })
})
Agent.fold("f", {
  over: A,
  // @ts-expect-error: a group that is no key
  by: (a) => a,
  into: Total,
  add: () => ({ text: "", sum: 0 }),
  remove: (total) => total
})
Agent.fold("f", {
  over: A,
  by: ({ n }) => n,
  into: Total,
  // @ts-expect-error: an aggregate of another kind's values
  aggregate: Fold.sum(C, ({ text }) => text.length),
  as: (n, sum) => ({ text: String(n), sum })
})

/* ---------------------------------------------------------------- errors are where the mistake is, and nowhere else */

Agent.make("undeclared", {
  each: A,
  // @ts-expect-error: B is not among the kinds that it writes; `each` above is fine
  execute: () => Effect.succeed({ facts: [B.of({ n: 1 })] })
})
Agent.cpu("promises", {
  each: A,
  reads: [B],
  // @ts-expect-error: a promise is no effect; `each` and `reads` above are fine
  execute: async () => ({})
})
Agent.make("misspelt", {
  each: A,
  // @ts-expect-error: there is no such option; `each` and `execute` are fine
  timeouts: 3,
  execute: (fact) => Effect.succeed({ trace: fact.value.n })
})
Agent.make("blind", {
  reads: [A],
  // @ts-expect-error: without `each` there is no fact
  execute: (_, view: View.View<typeof A>) => Effect.succeed({ trace: view.size(A) })
})
