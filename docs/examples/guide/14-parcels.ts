/** Chapter 14 of the guide: parcels whose prices a carrier is asked for, and which is booked once somebody has approved it. */
import { Agent, Engine, Fact, Intent, Program } from "effect-converge"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Schema from "effect/Schema"

/** The carrier's client. It answers with promises, as most clients do. */
export class Carrier extends Context.Service<
  Carrier,
  { readonly price: (grams: number, signal: AbortSignal) => Promise<number> }
>()("Carrier") {}

const Parcel = Fact.kind("Parcel", {
  schema: Schema.Struct({ id: Schema.String, grams: Schema.Number }),
  id: ({ id }) => id
})

const Quote = Fact.kind("Quote", {
  schema: Schema.Struct({ parcel: Schema.String, cents: Schema.Number }),
  id: ({ parcel }) => parcel
})

export const Booked = Fact.kind("Booked", {
  schema: Schema.Struct({ parcel: Schema.String, number: Schema.String }),
  id: ({ parcel }) => parcel
})

export const Book = Intent.kind("Book", { payload: Schema.Struct({ parcel: Schema.String }), answers: [Booked] })

const quote = Agent.make("quote", {
  each: Parcel,
  writes: [Quote],
  timeout: "10 seconds",
  execute: ({ value: { grams, id } }) =>
    Effect.gen(function* () {
      const carrier = yield* Carrier
      const cents = yield* Effect.promise((signal) => carrier.price(grams, signal))
      return { facts: [Quote.of({ parcel: id, cents })] }
    })
})

const ask = Agent.make("ask", {
  each: Quote,
  execute: ({ value: { cents, parcel } }) =>
    Effect.succeed({ intents: [Intent.approval({ id: parcel, question: `${cents} cents?`, timeout: "1 day" })] })
})

const book = Agent.make("book", {
  each: Intent.Decision,
  intents: [Book],
  execute: ({ value: { approval, approved } }) =>
    Effect.succeed({ intents: approved ? [Book.of({ parcel: approval })] : [] })
})

export const parcels = Program.make("parcels", {
  input: Schema.Record(Schema.String, Schema.Number),
  seed: (grams) => Object.entries(grams).map(([id, weight]) => Parcel.of({ id, grams: weight })),
  agents: [quote, ask, book],
  output: (view) => Object.fromEntries(view.all(Booked).map(({ value }) => [value.parcel, value.number]))
})

/** A carrier that answers by itself: nothing of it is outside of the simulation. The command line gives it to agents. */
export const layer = Layer.succeed(Carrier, { price: async (grams) => 300 + grams })

/** Gives the same number for the same key, as a booking system does that is given an idempotency key. */
export const booking = Engine.handler(Book, ({ idempotencyKey, payload: { parcel } }) =>
  Effect.succeed([Booked.of({ parcel, number: `B-${idempotencyKey}` })])
)
