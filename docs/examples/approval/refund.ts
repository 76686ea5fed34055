/**
 * A job that asks before it acts: refunds over 100 need an approval, all of them are paid by a handler.
 *
 * `node docs/examples/approval/refund.ts`
 */
import { Agent, Engine, Fact, Intent, Program } from "effect-converge"
import * as Console from "effect/Console"
import * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"
import * as Stream from "effect/Stream"

const Refund = Fact.kind("Refund", {
  schema: Schema.Struct({ order: Schema.String, amount: Schema.Int }),
  id: ({ order }) => order
})
const Paid = Fact.kind("Paid", { schema: Schema.Struct({ order: Schema.String }), id: ({ order }) => order })

const pay = (order: string, amount: number) => ({ kind: "Pay", payload: { order, amount } })

const refunds = Program.make("refunds", {
  input: Schema.Array(Schema.Struct({ order: Schema.String, amount: Schema.Int })),
  seed: (input) => input.map(Refund.of),
  kinds: [Paid],
  agents: [
    Agent.make("check", {
      each: Refund,
      execute: ({ value: { amount, order } }) =>
        Effect.succeed({
          intents: [
            amount > 100
              ? Intent.approval({ id: order, question: `Pay ${amount} back?`, timeout: "2 days" })
              : pay(order, amount)
          ]
        })
    }),
    Agent.make("approved", {
      each: Intent.Decision,
      reads: [Refund],
      execute: ({ value: { approval, approved } }, view) => {
        const refund = view.all(Refund).find(({ id }) => id === approval)
        return Effect.succeed({ intents: approved && refund ? [pay(approval, refund.value.amount)] : [] })
      }
    })
  ],
  output: (view) => view.all(Paid).map(({ id }) => id)
})

/** Called at least once for each intent: what it does outside goes by the key. */
const payments = Engine.handle("Pay", ({ idempotencyKey, payload }) => {
  const { amount, order } = payload as { readonly order: string; readonly amount: number }
  return Effect.as(Console.log(`pays ${amount} for ${order} under the key ${idempotencyKey}`), [Paid.of({ order })])
})

const main = Effect.gen(function* () {
  yield* payments
  const input = [
    { order: "A", amount: 20 },
    { order: "B", amount: 500 }
  ]
  const job = yield* Engine.start(refunds, input, { id: "monday" })
  // Somebody sees that the job waits, and decides.
  yield* job.events.pipe(
    Stream.filter((event) => event._tag === "IntentCommitted" && event.kind === "Approval"),
    Stream.take(1),
    Stream.runForEach(() =>
      job.signal([Intent.Decision.of({ approval: "B", approved: true, by: "Ada", reason: "it was broken" })])
    )
  )
  const { output } = yield* job.result
  yield* Console.log("paid", output)
})

await Effect.runPromise(Effect.provide(main, Engine.layerMemory))
