/**
 * A job that asks before it acts: refunds over 100 need an approval, all of them are paid by a handler.
 *
 * `node docs/examples/approval/refund.ts`
 */
import { Agent, Engine, Fact, Intent, JobStore, Program, WorkerPool } from "effect-converge"
import * as Console from "effect/Console"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import * as Schema from "effect/Schema"
import * as Stream from "effect/Stream"

const Refund = Fact.kind("Refund", {
  schema: Schema.Struct({ order: Schema.String, amount: Schema.Int }),
  id: ({ order }) => order
})
const Paid = Fact.kind("Paid", { schema: Schema.Struct({ order: Schema.String }), id: ({ order }) => order })

const Pay = Intent.kind("Pay", {
  payload: Schema.Struct({ order: Schema.String, amount: Schema.Int }),
  answers: [Paid]
})

const refunds = Program.make("refunds", {
  input: Schema.Array(Schema.Struct({ order: Schema.String, amount: Schema.Int })),
  seed: (input) => input.map(Refund.of),
  agents: [
    Agent.make("check", {
      each: Refund,
      intents: [Pay],
      execute: ({ value: { amount, order } }) =>
        Effect.succeed({
          intents: [
            amount > 100
              ? Intent.approval({ id: order, question: `Pay ${amount} back?`, timeout: "2 days" })
              : Pay.of({ order, amount })
          ]
        })
    }),
    Agent.make("approved", {
      each: Intent.Decision,
      reads: [Refund],
      intents: [Pay],
      execute: ({ value: { approval, approved } }, view) => {
        const refunds = approved ? Option.toArray(view.get(Refund, approval)) : []
        return Effect.succeed({ intents: refunds.map(({ value }) => Pay.of(value)) })
      }
    })
  ],
  output: (view) => view.all(Paid).map(({ id }) => id)
})

/** Called at least once for each intent: what it does outside goes by the key. */
const payments = Engine.handler(Pay, ({ idempotencyKey, payload: { amount, order } }) =>
  Effect.as(Console.log(`pays ${amount} for ${order} under the key ${idempotencyKey}`), [Paid.of({ order })])
)

const main = Effect.gen(function* () {
  const input = [
    { order: "A", amount: 20 },
    { order: "B", amount: 500 }
  ]
  const job = yield* Engine.start(refunds, input, { id: "monday" })
  // Somebody sees that the job waits, and decides.
  yield* job.events.pipe(
    Stream.takeUntil((event) => event._tag === "JobAwaiting"),
    Stream.runDrain
  )
  for (const { id, question } of yield* job.approvals) {
    yield* Console.log(`${id}: ${question}`)
    yield* job.signal([Intent.Decision.of({ approval: id, approved: true, by: "Ada", reason: "it was broken" })])
  }
  const { output } = yield* job.result
  yield* Console.log("paid", output)
})

const engine = Engine.layer({ handlers: [payments] }).pipe(Layer.provide([WorkerPool.layer(), JobStore.layerMemory]))

await Effect.runPromise(Effect.provide(main, engine))
