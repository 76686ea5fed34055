/**
 * Invariants: seats of a flight, that must not be sold twice, and a meal for everybody.
 */
import { Agent, Fact, Invariant, Program } from "effect-converge"
import * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"

const Flight = Fact.kind("Flight", {
  schema: Schema.Struct({ number: Schema.String, seats: Schema.Int, meals: Schema.Int }),
  id: ({ number }) => number
})

const Request = Fact.kind("Request", {
  schema: Schema.Struct({ who: Schema.String, flight: Schema.String }),
  id: ({ who }) => who
})

const Booking = Fact.kind("Booking", {
  schema: Schema.Struct({ who: Schema.String, flight: Schema.String }),
  id: ({ who }) => who,
  indexes: { flight: ({ flight }) => flight }
})

const Catering = Fact.kind("Catering", {
  schema: Schema.Struct({ flight: Schema.String, meals: Schema.Int }),
  id: ({ flight }) => flight,
  conflict: Fact.max(({ meals }) => meals)
})

const book = Agent.make("book", {
  each: Request,
  writes: [Booking],
  execute: ({ value }) => Effect.succeed({ facts: [Booking.of(value)] })
})

// Runs when the state of an invariant changes, and repairs what is broken.
const cater = Agent.make("cater", {
  reads: [Invariant.Violation, Booking],
  writes: [Catering],
  accepts: (view) => view.all(Invariant.Violation).some(({ value }) => !value.repaired),
  execute: (view) => {
    const flights = new Set(view.all(Booking).map(({ value }) => value.flight))
    return Effect.succeed({
      facts: [...flights].map((flight) => Catering.of({ flight, meals: view.by(Booking, "flight", flight).length }))
    })
  }
})

const Input = Schema.Struct({ flights: Schema.Array(Flight.schema), requests: Schema.Array(Request.schema) })

const make = (onViolation: "halt" | "discard") =>
  Program.make("seats", {
    input: Input,
    seed: ({ flights, requests }) => [...flights.map(Flight.of), ...requests.map(Request.of)],
    kinds: [Flight],
    agents: [book, cater],
    invariants: [
      // Before each effect: the context as it would be with it. A booking too many never gets in.
      Invariant.structural(
        "no seat twice",
        (view, effect) => {
          const flights = new Set(
            effect.facts.flatMap(({ kind, value }) =>
              kind === "Booking" ? [(value as typeof Booking.schema.Type).flight] : []
            )
          )
          const full = view
            .all(Flight)
            .find(({ id, value }) => flights.has(id) && view.by(Booking, "flight", id).length > value.seats)
          return full === undefined || { reason: `${full.id} has ${full.value.seats} seats`, facts: [full] }
        },
        { onViolation }
      ),
      // After each cycle: may be broken for a while, until an agent repairs it.
      Invariant.semantic("a meal for everybody", (view) => {
        const short = view.all(Flight).find(({ id }) => {
          const meals = view.all(Catering).find(({ value }) => value.flight === id)?.value.meals ?? 0
          return view.by(Booking, "flight", id).length > meals
        })
        return short === undefined || `${short.id} lacks meals`
      }),
      // At the end: without it the job has not converged.
      Invariant.acceptance(
        "no empty flight",
        (view) => view.all(Flight).every(({ id }) => view.by(Booking, "flight", id).length > 0) || "a flight is empty"
      )
    ],
    output: (view) => ({
      booked: view.all(Booking).map(({ id }) => id),
      meals: view.all(Catering).map(({ value }) => value)
    })
  })

/** A booking too many ends the job. */
export const strict = make("halt")

/** A booking too many is a diagnostic, and the others stay. */
export const lenient = make("discard")
