/**
 * Types of intents, their handlers and their answers. Checked by `tsc`, never run: a line under `@ts-expect-error` that
 * compiles is an error.
 */
import * as Context from "effect/Context"
import * as Data from "effect/Data"
import * as Effect from "effect/Effect"
import type * as Layer from "effect/Layer"
import * as Schedule from "effect/Schedule"
import * as Schema from "effect/Schema"
import {
  Agent,
  Engine,
  Fact,
  Intent,
  type Job,
  type JobError,
  type JobStore,
  Program,
  type WorkerPool
} from "../../src/index.ts"
import type { Assert, Same } from "./assert.ts"

class Post extends Context.Service<Post, { readonly send: Effect.Effect<void, Bounced> }>()("Post") {}
class Bounced extends Data.TaggedError("Bounced")<{ readonly to: string }> {}

const Sent = Fact.kind("Sent", { schema: Schema.Struct({ to: Schema.String }), id: ({ to }) => to })
const Other = Fact.kind("Other", { schema: Schema.Struct({ to: Schema.String }), id: ({ to }) => to })

const mails = Engine.handle(
  "Mail",
  ({ idempotencyKey }) =>
    Effect.flatMap(Post, ({ send }) => Effect.as(send, [Sent.of({ to: idempotencyKey satisfies string })])),
  { retry: Schedule.recurs(3), timeout: "1 second", onFailure: "discard" }
)
const handler = Engine.handler("Mail", () => Effect.flatMap(Post, ({ send }) => send))
const layer = Engine.layer({ handlers: [handler] })

export type Inferred = [
  Assert<Same<Effect.Error<typeof mails>, JobError.HandlerRejected>>,
  Assert<Same<Effect.Services<typeof mails>, Engine.Engine | Post>>,
  Assert<Same<Layer.Services<typeof layer>, WorkerPool.WorkerPool | JobStore.JobStore | Post>>
]

// @ts-expect-error an answer is proposals, or nothing
export const wrong = Engine.handler("Mail", () => Effect.succeed(3))

declare const onlyTexts: Schedule.Schedule<unknown, string>

const program = Program.make("program", {
  input: Schema.Struct({ n: Schema.Finite }),
  agents: [
    Agent.make("asks", {
      reads: [Intent.ChildResult],
      execute: (view) =>
        Effect.succeed({
          intents: view
            .all(Intent.ChildResult)
            .map(({ value }) => Intent.approval({ id: value.child, data: value.output }))
        })
    })
  ],
  output: (view) => view.all(Intent.Decision).map(({ value }) => value.approved)
})

const bounces = () => Effect.fail(new Bounced({ to: "x" }))
// @ts-expect-error a schedule of other failures
export const other = Engine.handler("Mail", bounces, { retry: onlyTexts })

export const child = Intent.child(program, { n: 1 }, { onFailure: "report", budget: { maxCycles: 3 } })
// @ts-expect-error the input is that of the program
export const noChild = Intent.child(program, { n: "1" })

const plain = Program.make("plain", { input: Schema.Struct({}), agents: [], kinds: [Sent] })
declare const job: Job.Job<typeof plain>
export const decided = job.signal([Intent.Decision.of({ approval: "a", approved: true, by: "me", reason: "" })])
declare const forgery: Fact.ProposalOf<typeof Intent.ChildResult>
// @ts-expect-error results of children are the engine's own to write
export const forged = job.signal([forgery])

/* ---------------------------------------------------------------- kinds of intents */

const Pay = Intent.kind("Pay", { payload: Schema.Struct({ amount: Schema.Finite }), answers: [Sent] })
const Log = Intent.kind("Log", { payload: Schema.String, record: true })

const pays = Agent.make("pays", {
  intents: [Pay, Log],
  execute: () => Effect.succeed({ intents: [Pay.of({ amount: 1 }), Log.of("x"), { kind: "Other", payload: 1 }] })
})
const computesPay = Agent.cpu("computes", { intents: [Pay], execute: () => ({ intents: [Pay.of({ amount: 1 })] }) })
const shop = Program.make("shop", {
  input: Schema.Struct({}),
  agents: [pays, computesPay],
  output: (view) => view.all(Sent).map(({ value }) => value.to)
})
const paid = Engine.handler(Pay, ({ payload }) => Effect.succeed([Sent.of({ to: String(payload.amount + 1) })]))
const withPay = Engine.layer({ handlers: [paid, handler] })
const withShop = Engine.layer({ programs: [shop], handlers: [paid] })
const withoutPay = Engine.layer({ programs: [shop] })
const running = Engine.run(shop, {})
const handled = Engine.handle(Pay, () => Effect.void)

export type Kinds = [
  // A program needs handlers of what its agents declare, and of nothing that is only recorded.
  Assert<Same<Effect.Services<typeof running>, Engine.Engine | Intent.Handler<"Pay">>>,
  Assert<Same<Program.Program.Kinds<typeof shop>, typeof Sent>>,
  Assert<Same<Layer.Success<typeof withPay>, Engine.Engine | Intent.Handler<"Pay"> | Intent.Handler<"Mail">>>,
  Assert<Same<Layer.Services<typeof withPay>, WorkerPool.WorkerPool | JobStore.JobStore | Post>>,
  Assert<Same<Layer.Services<typeof withShop>, WorkerPool.WorkerPool | JobStore.JobStore>>,
  // Its programs lack a handler: the layer needs it, and nobody provides it.
  Assert<Same<Layer.Services<typeof withoutPay>, WorkerPool.WorkerPool | JobStore.JobStore | Intent.Handler<"Pay">>>,
  Assert<Same<Effect.Success<typeof handled>, Context.Context<Intent.Handler<"Pay">>>>
]
export const runs: Effect.Effect<unknown, unknown, WorkerPool.WorkerPool | JobStore.JobStore | Post> = Effect.provide(
  running,
  withPay
)
const lacking = Effect.provide(running, Engine.layerMemory)
// A run of a program whose intents nobody performs still needs the handler.
export type Lacking = Assert<Same<Effect.Services<typeof lacking>, Intent.Handler<"Pay">>>
// @ts-expect-error: the payload of another kind
Pay.of({ ammount: 1 })
// @ts-expect-error: a handler that answers with a kind that is not among the answers
Engine.handler(Pay, () => Effect.succeed([Other.of({ to: "x" })]))
// @ts-expect-error: a handler that misspells the payload
Engine.handler(Pay, ({ payload }) => Effect.succeed(payload.ammount > 1 ? [] : []))
Agent.make("undeclared", {
  // @ts-expect-error: an intent of a kind that the agent does not declare
  execute: () => Effect.succeed({ intents: [Pay.of({ amount: 1 })] })
})
