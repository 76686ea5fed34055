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
